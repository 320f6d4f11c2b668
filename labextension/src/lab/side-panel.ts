import { Widget } from "@lumino/widgets"
import { element, setShown } from "../view/dom.ts"
import { t } from "../view/words.ts"
import { ExecutorList } from "./executor-list.ts"
import { JobCard } from "./job-card.ts"
import type { JobList, PlacedJob } from "./job-list.ts"

/** Cards that are drawn; of more jobs than that, the oldest are left out. */
const maxCards = 60
/** Running jobs that are drawn with their squares: each listens to the kernel. */
const maxGrids = 8

const tickMs = 1000

/** All jobs of all kernels, and the executors they run on, in the side bar. */
export class SidePanel extends Widget {
  readonly #list: JobList
  readonly #reveal: (job: PlacedJob) => void
  readonly #cards = new Map<string, JobCard>()
  readonly #empty: HTMLElement
  readonly #items = element("div", "cellfan-Panel-items")
  readonly #executors: ExecutorList
  readonly #stop: () => void
  readonly #clock = window.setInterval(() => this.#tick(), tickMs)

  constructor(list: JobList, reveal: (job: PlacedJob) => void) {
    super()
    this.#list = list
    this.#reveal = reveal
    this.addClass("cellfan-Panel")
    this.node.setAttribute("role", "region")
    this.node.setAttribute("aria-label", t("Jobs"))
    this.#empty = element(
      "p",
      "cellfan-Panel-empty",
      {},
      t("No jobs yet. What fexec.map(…) runs in any notebook or console appears here."),
    )
    this.#executors = new ExecutorList((executor) => list.clean(executor))
    this.node.append(
      element("h2", "cellfan-Panel-title", {}, t("Jobs")),
      this.#empty,
      this.#items,
      this.#executors.node,
    )
    this.#stop = list.observe(() => this.#update())
    this.#update()
  }

  override dispose(): void {
    this.#stop()
    window.clearInterval(this.#clock)
    for (const card of this.#cards.values()) card.dispose()
    this.#executors.dispose()
    super.dispose()
  }

  protected override onAfterShow(): void {
    this.#update()
  }

  protected override onAfterHide(): void {
    this.#update()
  }

  /** Time goes on where kernels have nothing new to tell. */
  #tick(): void {
    if (this.isVisible && this.#list.jobs.some(({ job, live }) => live && job.endedAtMs === null))
      this.#update()
  }

  #update(): void {
    const jobs = this.#list.jobs.slice(0, maxCards)
    setShown(this.#empty, jobs.length === 0)
    const gone = new Set(this.#cards.keys())
    let before: Element | null = this.#items.firstElementChild
    jobs.forEach((placed, at) => {
      const card = this.#card(placed)
      card.update(placed, this.isVisible && at < maxGrids)
      gone.delete(placed.job.id)
      if (card.node === before) before = before.nextElementSibling
      else this.#items.insertBefore(card.node, before)
    })
    for (const id of gone) {
      this.#cards.get(id)?.dispose()
      this.#cards.delete(id)
    }
    this.#executors.update(this.#list.executors)
  }

  #card(placed: PlacedJob): JobCard {
    const known = this.#cards.get(placed.job.id)
    if (known !== undefined) return known
    const card = new JobCard({
      cancel: (shown) => this.#list.send(shown, { type: "cancel", job: shown.job.id }),
      reveal: (shown) => this.#reveal(shown),
    })
    this.#cards.set(placed.job.id, card)
    return card
  }
}
