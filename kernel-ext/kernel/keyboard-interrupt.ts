import type { CellError } from "./types.ts"

/** That the user interrupted a cell, by the name that Jupyter's users know. */
export class KeyboardInterrupt extends Error {
  override readonly name = "KeyboardInterrupt"

  constructor() {
    super("The cell was interrupted")
  }
}

/** What the interrupted cell shows: where it was matters to nobody. */
export function interrupted(): CellError {
  const { name, message } = new KeyboardInterrupt()
  return { name, message, traceback: [`\u001b[31m${name}\u001b[39m: ${message}`] }
}
