import { createHash } from "node:crypto"
import { createCodec } from "./codec/codec.ts"
import type { Captured, CellBindings } from "./types.ts"

let bindings: CellBindings | undefined

/** The kernel's cells; undefined in a plain script. */
export function setCellBindings(cells: CellBindings | undefined): void {
  bindings = cells
}

export interface CaptureOptions {
  /** What a CaptureError calls the function. */
  readonly path?: string
}

export function capture(fn: unknown, _options: CaptureOptions = {}): Captured {
  const source = String(fn)
  const code = `(() => (${source}))`
  const codec = createCodec()
  const hash = createHash("sha256").update(code).digest("hex").slice(0, 32)
  return {
    shipment: {
      hash,
      code,
      data: codec.encode(undefined, "data"),
      resolveFrom: bindings?.folder ?? process.cwd(),
      imports: [],
    },
    codec,
    mapStack: (stack) => stack,
  }
}
