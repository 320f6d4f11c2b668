import { currentCell } from "../current-cell.ts"
import type { DisplayBundle } from "../types.ts"

/** What tslab's display API hands over: content of one display_data message. */
interface TslabContent {
  readonly data: Readonly<Record<string, unknown>>
  readonly metadata: Readonly<Record<string, unknown>>
  readonly transient: { readonly display_id?: string }
}

/** Takes what tslab's display API shows to the cell that the calling code belongs to. */
export function displayForTslab({ data, metadata, transient }: TslabContent, update?: boolean): void {
  const output = currentCell()?.output
  const { display_id: displayId } = transient
  const bundle: DisplayBundle = { data, metadata, ...(displayId !== undefined && { displayId }) }
  if (update && displayId !== undefined) output?.updateDisplayData({ ...bundle, displayId })
  else output?.displayData(bundle)
}
