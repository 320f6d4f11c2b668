import type { TranslationBundle } from "@jupyterlab/translation"
import { Widget } from "@lumino/widgets"
import { countWords, formatDuration, jobStatus, placeWords } from "../../../kernel-ext/protocol/job-words.ts"
import { button, element, setShown, setText } from "../view/dom.ts"
import { ProgressBar } from "../view/progress-bar.ts"
import type { JobList, PlacedJob } from "./job-list.ts"

/** Cards that are drawn; of more jobs than that, the oldest are left out. */
const maxCards = 60

/** All jobs of all notebooks that are open, in the side bar. */
export class SidePanel extends Widget {
  readonly #list: JobList
  readonly #reveal: (job: PlacedJob) => void
  readonly #trans: TranslationBundle
  readonly #cards = new Map<string, Card>()
  readonly #empty: HTMLElement
  readonly #items: HTMLElement
  readonly #stop: () => void

  constructor(list: JobList, reveal: (job: PlacedJob) => void, trans: TranslationBundle) {
    super()
    this.#list = list
    this.#reveal = reveal
    this.#trans = trans
    this.addClass("cellfan-Panel")
    this.node.setAttribute("role", "region")
    this.node.setAttribute("aria-label", trans.__("Jobs"))
    this.#empty = element(
      "p",
      "cellfan-Panel-empty",
      {},
      trans.__("Jobs of the notebooks that are open appear here."),
    )
    this.#items = element("div", "cellfan-Panel-items")
    this.node.append(element("h2", "cellfan-Panel-title", {}, trans.__("Jobs")), this.#empty, this.#items)
    this.#stop = list.observe(() => this.#update())
    this.#update()
  }

  override dispose(): void {
    this.#stop()
    super.dispose()
  }

  protected override onBeforeShow(): void {
    this.#update()
  }

  #update(): void {
    const jobs = this.#list.jobs.slice(0, maxCards)
    setShown(this.#empty, jobs.length === 0)
    const gone = new Set(this.#cards.keys())
    let before: Element | null = this.#items.firstElementChild
    for (const placed of jobs) {
      const card = this.#card(placed)
      card.update(placed)
      gone.delete(placed.job.id)
      if (card.node === before) before = before.nextElementSibling
      else this.#items.insertBefore(card.node, before)
    }
    for (const id of gone) {
      this.#cards.get(id)?.node.remove()
      this.#cards.delete(id)
    }
  }

  #card(placed: PlacedJob): Card {
    const known = this.#cards.get(placed.job.id)
    if (known !== undefined) return known
    const card = new Card(this.#trans, {
      cancel: (shown) => this.#list.send(shown, { type: "cancel", job: shown.job.id }),
      reveal: (shown) => this.#reveal(shown),
    })
    this.#cards.set(placed.job.id, card)
    return card
  }
}

class Card {
  readonly node: HTMLElement
  readonly #mark = element("span", "cellfan-Mark", { "aria-hidden": "true" })
  readonly #name = element("span", "cellfan-Name")
  readonly #bar = new ProgressBar()
  readonly #counts = element("div", "cellfan-Card-words")
  readonly #place = element("div", "cellfan-Card-words")
  readonly #cancel: HTMLButtonElement
  #shown: PlacedJob | undefined

  constructor(
    trans: TranslationBundle,
    handlers: { cancel: (job: PlacedJob) => void; reveal: (job: PlacedJob) => void },
  ) {
    const withJob = (act: (job: PlacedJob) => void) => () => {
      if (this.#shown !== undefined) act(this.#shown)
    }
    this.#cancel = button(
      "",
      trans.__("Cancel"),
      trans.__("Cancel what has not ended"),
      withJob(handlers.cancel),
    )
    const show = button("", trans.__("Show"), trans.__("Go to the job's cell"), withJob(handlers.reveal))
    this.node = element(
      "div",
      "cellfan-Job cellfan-Card",
      {},
      element("div", "cellfan-Head", {}, this.#mark, this.#name),
      this.#bar.node,
      this.#counts,
      this.#place,
      element("div", "cellfan-Card-buttons", {}, show, this.#cancel),
    )
  }

  update(placed: PlacedJob): void {
    const { job, panel, clockAheadMs } = placed
    this.#shown = placed
    this.#mark.dataset.status = jobStatus(job)
    this.node.dataset.card = job.id
    setText(this.#name, job.name)
    this.#bar.update(job)
    const elapsedMs = (job.endedAtMs ?? Date.now() + clockAheadMs) - job.startedAtMs
    setText(this.#counts, `${countWords(job.counts)} · ${formatDuration(elapsedMs)}`)
    const cell = job.cell === "" ? "" : ` [${job.cell}]`
    setText(this.#place, `${panel.title.label}${cell} · ${placeWords(job)}`)
    setShown(this.#cancel, job.endedAtMs === null)
  }
}
