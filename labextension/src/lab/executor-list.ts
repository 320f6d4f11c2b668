import { element, setShown } from "../view/dom.ts"
import { t } from "../view/words.ts"
import { busyCount, executorCard } from "./executor-card.ts"
import type { PlacedExecutor } from "./job-list.ts"

/** So long is the question open whether what runs is to be cancelled. */
const askedMs = 5000

/** The executors of all kernels with their workers; what they hold can be given back here. */
export class ExecutorList {
  readonly node = element("div", "cellfan-Executors", { role: "group" })
  readonly #clean: (executor: PlacedExecutor) => void
  readonly #items = element("div", "")
  #executors: readonly PlacedExecutor[] = []
  #shown = ""
  #asked: string | undefined
  #askedTimer: ReturnType<typeof setTimeout> | undefined

  constructor(clean: (executor: PlacedExecutor) => void) {
    this.#clean = clean
    this.node.setAttribute("aria-label", t("Executors"))
    this.node.append(element("h2", "cellfan-Panel-title", {}, t("Executors")), this.#items)
    this.node.hidden = true
  }

  dispose(): void {
    clearTimeout(this.#askedTimer)
  }

  update(executors: readonly PlacedExecutor[]): void {
    this.#executors = executors
    const key = JSON.stringify([this.#asked, executors.map(({ executor, place }) => [executor, place.label])])
    if (key === this.#shown) return
    this.#shown = key
    setShown(this.node, executors.length > 0)
    // The button that has the focus is to keep it.
    const focused = document.activeElement?.closest<HTMLElement>("[data-executor]")?.dataset.executor
    this.#items.replaceChildren(
      ...executors.map((placed) =>
        executorCard({ placed, asked: this.#asked === placed.executor.id }, () => this.#wish(placed)),
      ),
    )
    if (focused !== undefined)
      this.#items.querySelector<HTMLElement>(`[data-executor="${CSS.escape(focused)}"] button`)?.focus()
  }

  /** What runs is cancelled only by who asks twice. */
  #wish(placed: PlacedExecutor): void {
    const { executor } = placed
    if (busyCount(executor) > 0 && this.#asked !== executor.id) {
      this.#ask(executor.id)
      return
    }
    this.#ask(undefined)
    this.#clean(placed)
  }

  #ask(id: string | undefined): void {
    clearTimeout(this.#askedTimer)
    this.#asked = id
    if (id !== undefined) this.#askedTimer = setTimeout(() => this.#ask(undefined), askedMs)
    this.update(this.#executors)
  }
}
