import { currentCell } from "../current-cell.ts"
import type { DisplayBundle } from "../types.ts"

/** Text of a magic goes where the output of its cell goes. */
export function write(text: string): void {
  currentCell()?.output.stream("stdout", text)
}

export function display(bundle: DisplayBundle): void {
  currentCell()?.output.displayData(bundle)
}
