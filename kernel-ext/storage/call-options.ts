import { inWords } from "../util/in-words.ts"
import { nearest } from "../util/nearest.ts"

/** @throws TypeError for an option that a call does not take: passed over, it would be missed by whoever wrote it. */
export function checkOptions(options: unknown, method: string, taken: readonly string[]): void {
  if (options === undefined) return
  if (typeof options !== "object" || options === null)
    throw new TypeError(`${method} takes an object of options, but got ${String(options)}.`)
  const unknown = Object.keys(options).find((key) => !taken.includes(key))
  if (unknown === undefined) return
  const near = nearest(unknown, taken)
  const guess = near === undefined ? "." : `; did you mean \`${near}\`?`
  throw new TypeError(`${method} has no option \`${unknown}\`${guess} It takes ${inWords(taken, "and")}.`)
}
