import { writeSync } from "node:fs"

let descriptor = 2

/** For a thread of a process whose standard error is a notebook's. */
export function logTo(opened: number): void {
  descriptor = opened
}

/** One line for whoever reads the Jupyter server's log. Written at once, also from a thread whose main thread is busy. */
export function log(line: string): void {
  logBytes(`[cellfan] ${line}\n`)
}

/** What others have written, as it is. */
export function logBytes(bytes: string): void {
  try {
    writeSync(descriptor, bytes)
  } catch {
    // Nobody reads it any more.
  }
}
