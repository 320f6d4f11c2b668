import { savedVersion } from "../../../kernel-ext/protocol/job-view.ts"
import { countWords, formatDuration, jobStatus, placeWords } from "../../../kernel-ext/protocol/job-words.ts"
import { button, element, setShown, setText, setTitle } from "../view/dom.ts"
import { MiniGrid } from "../view/mini-grid.ts"
import { ProgressBar } from "../view/progress-bar.ts"
import { t } from "../view/words.ts"
import { hubOf } from "./hubs.ts"
import type { PlacedJob } from "./job-list.ts"

export interface CardHandlers {
  cancel(job: PlacedJob): void
  reveal(job: PlacedJob): void
}

/** One job in the side panel; with its squares while it runs. */
export class JobCard {
  readonly node: HTMLElement
  readonly #mark = element("span", "cellfan-Mark", { "aria-hidden": "true" })
  readonly #name = element("span", "cellfan-Name")
  readonly #elapsed = element("span", "cellfan-Numbers")
  readonly #bar = new ProgressBar()
  readonly #squares = element("div", "cellfan-Card-squares")
  readonly #counts = element("div", "cellfan-Card-words")
  readonly #place = element("div", "cellfan-Card-words cellfan-mod-cut")
  readonly #show: HTMLButtonElement
  readonly #cancel: HTMLButtonElement
  #shown: PlacedJob | undefined
  #live: { readonly grid: MiniGrid; readonly release: () => void } | undefined

  constructor(handlers: CardHandlers) {
    const withJob = (act: (job: PlacedJob) => void) => () => {
      if (this.#shown !== undefined) act(this.#shown)
    }
    this.#cancel = button("", t("Cancel"), t("Cancel what has not ended"), withJob(handlers.cancel))
    this.#show = button("", t("Show"), t("Go to the job's cell"), withJob(handlers.reveal))
    this.node = element(
      "div",
      "cellfan-Job cellfan-Card",
      {},
      element(
        "div",
        "cellfan-Head",
        {},
        this.#mark,
        this.#name,
        element("span", "cellfan-Spacer"),
        this.#elapsed,
      ),
      this.#bar.node,
      this.#squares,
      this.#counts,
      this.#place,
      element("div", "cellfan-Card-buttons", {}, this.#show, this.#cancel),
    )
  }

  /** `withSquares`: the panel is looked at, and there are not too many of them. */
  update(placed: PlacedJob, withSquares: boolean): void {
    const { job, place, clockAheadMs } = placed
    this.#shown = placed
    const running = job.endedAtMs === null
    this.#mark.dataset.status = jobStatus(job)
    this.node.dataset.card = job.id
    setText(this.#name, job.name)
    setTitle(this.#name, job.name)
    setText(this.#elapsed, formatDuration((job.endedAtMs ?? Date.now() + clockAheadMs) - job.startedAtMs))
    this.#bar.update(job)
    setText(this.#counts, countWords(job.counts, t))
    const cell = job.cell === "" ? "" : ` [${job.cell}]`
    const where = `${place.label}${cell} · ${placeWords(job, t)}`
    setText(this.#place, where)
    setTitle(this.#place, where)
    setShown(this.#cancel, running)
    setShown(this.#show, place.panel !== undefined || place.isNotebook)
    this.#showSquares(placed, running && withSquares && job.size > 1)
  }

  dispose(): void {
    this.#dropSquares()
    this.node.remove()
  }

  #showSquares({ job, place }: PlacedJob, shown: boolean): void {
    if (!shown) {
      this.#dropSquares()
      return
    }
    if (this.#live !== undefined) return
    const hub = hubOf(place.session)
    const states = `q${job.size}`
    const model = hub.acquire({ ...job, version: savedVersion, states, savedAtMs: job.startedAtMs })
    this.#live = { grid: new MiniGrid(model), release: () => hub.release(job.id) }
    this.#squares.append(this.#live.grid.node)
  }

  #dropSquares(): void {
    if (this.#live === undefined) return
    this.#live.grid.dispose()
    this.#live.grid.node.remove()
    this.#live.release()
    this.#live = undefined
  }
}
