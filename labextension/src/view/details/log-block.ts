import type { TaskDetails } from "../../../../kernel-ext/protocol/job-view.ts"
import { element, setShown } from "../dom.ts"
import { t } from "../words.ts"

/** What a task wrote; follows its end while the reader is there. */
export class LogBlock {
  readonly node = element("pre", "cellfan-Log", { tabindex: "0", "aria-label": t("What the task wrote") })
  #shown = ""

  show(logs: TaskDetails["logs"], cut: boolean): void {
    const key = `${cut}${logs.map(({ stream, text }) => stream + text).join("")}`
    if (key === this.#shown) return
    this.#shown = key
    const { node } = this
    const atEnd = node.scrollTop + node.clientHeight >= node.scrollHeight - 4
    const pieces = logs.map(({ stream, text }) => element("span", `cellfan-Log-${stream}`, {}, text))
    if (cut) pieces.unshift(element("span", "cellfan-Log-cut", {}, `${t("… earlier output is left out")}\n`))
    node.replaceChildren(...pieces)
    setShown(node, pieces.length > 0)
    if (atEnd) node.scrollTop = node.scrollHeight
  }
}
