import { writeSync } from "node:fs"

/** One line for whoever reads the Jupyter server's log. Written at once, also from a thread whose main thread is busy. */
export function log(line: string): void {
  try {
    writeSync(2, `[cellfan] ${line}\n`)
  } catch {
    // Nobody reads it any more.
  }
}
