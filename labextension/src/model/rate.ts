/** How far back the rate looks: long enough to be calm, short enough to follow a change. */
const windowMs = 8000
const leastMs = 500

/** Tasks per second over the last seconds. */
export class RateMeter {
  #samples: { readonly atMs: number; readonly settled: number }[] = []

  add(atMs: number, settled: number): void {
    this.#samples.push({ atMs, settled })
    const second = this.#samples[1]
    if (second !== undefined && second.atMs < atMs - windowMs) this.#samples.shift()
  }

  clear(): void {
    this.#samples = []
  }

  get perSecond(): number | undefined {
    const first = this.#samples[0]
    const last = this.#samples.at(-1)
    if (first === undefined || last === undefined || last.atMs - first.atMs < leastMs) return undefined
    return (Math.max(0, last.settled - first.settled) * 1000) / (last.atMs - first.atMs)
  }
}
