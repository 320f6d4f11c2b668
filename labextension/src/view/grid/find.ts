import { StateCode } from "../../../../kernel-ext/protocol/task.ts"
import { type GridLayout, taskAt } from "./layout.ts"

/** The next task in a state after `from` (before it where `step` is -1), around the end if need be. */
export function nextInState(
  states: Uint8Array,
  code: number,
  from: number | undefined,
  step: 1 | -1,
): number | undefined {
  const start = from ?? (step > 0 ? -1 : states.length)
  const found =
    step > 0 ? states.indexOf(code, start + 1) : start > 0 ? states.lastIndexOf(code, start - 1) : -1
  const wrapped = found >= 0 ? found : step > 0 ? states.indexOf(code) : states.lastIndexOf(code)
  return wrapped < 0 ? undefined : wrapped
}

/** A mark is larger than its square: the failure whose mark is at a place, in device pixels. */
export function failureNear(
  layout: GridLayout,
  states: Uint8Array,
  x: number,
  y: number,
  reachPixels: number,
): number | undefined {
  const { pitch, share } = layout
  const reach = Math.ceil(reachPixels / pitch)
  for (let distance = 0; distance <= reach; distance++) {
    for (let dy = -distance; dy <= distance; dy++) {
      for (let dx = -distance; dx <= distance; dx++) {
        const task = taskAt(layout, x + dx * pitch, y + dy * pitch)
        if (task === undefined) continue
        const found = states.subarray(task, task + share).indexOf(StateCode.failed)
        if (found >= 0) return task + found
      }
    }
  }
  return undefined
}

/** Where a key takes the cursor; undefined for keys that move nothing. */
export function cursorAfter(key: string, at: number, last: number, layout: GridLayout): number | undefined {
  const row = layout.columns * layout.share
  const steps: Readonly<Record<string, number>> = {
    ArrowRight: at + layout.share,
    ArrowLeft: at - layout.share,
    ArrowDown: at + row,
    ArrowUp: at - row,
    Home: 0,
    End: last,
    PageDown: at + 10 * row,
    PageUp: at - 10 * row,
  }
  const to = steps[key]
  return to === undefined ? undefined : Math.max(0, Math.min(last, to))
}
