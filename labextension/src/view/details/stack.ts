import type { TaskDetails } from "../../../../kernel-ext/protocol/job-view.ts"
import { button } from "../dom.ts"
import { t } from "../words.ts"

/** "cell 3:2:5", as the kernel writes places in cells. */
const place = /\b(cell \d+):(\d+)(?::(\d+))?/

/**
 * The frames of a stack, without the message that V8 puts before them. Places in cells are buttons where there is
 * someone to open them.
 */
export function stackLines(
  error: NonNullable<TaskDetails["error"]>,
  openCell: ((label: string, line: number, column: number) => void) | undefined,
): (Node | string)[] {
  const frames = error.stack.split("\n").filter((line) => /^\s*at\s/.test(line))
  const nodes: (Node | string)[] = []
  for (const frame of frames) {
    if (nodes.length > 0) nodes.push("\n")
    const found = place.exec(frame)
    if (found === null || openCell === undefined) {
      nodes.push(frame.trim())
      continue
    }
    const [text, label = "", line = "1", column = "1"] = found
    const before = frame.slice(0, found.index).trimStart()
    const open = () => openCell(label, Number(line), Number(column))
    nodes.push(
      before,
      button("cellfan-mod-link", text, t("Show this line"), open),
      frame.slice(found.index + text.length),
    )
  }
  return nodes
}
