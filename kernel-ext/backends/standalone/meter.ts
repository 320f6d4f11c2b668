import type { HostState } from "./hosts.ts"

/** How often is said what has come together. */
const everyMs = 1000

/** A job that ends is told of what it cost until so long before. */
const preciseMs = 5

/** Who hears what a job has cost since the last word of it. */
interface Payer {
  batches: number
  spent(usd: number): void
}

/**
 * What a pool's machines cost, told to the jobs that need them: from a job's beginning to its end what all of them cost, in equal parts
 * where several jobs are under way. What they cost while there is no job is nobody's.
 */
export class CostMeter {
  readonly #hosts: () => readonly HostState[]
  readonly #payers = new Map<string, Payer>()
  #toldUntilMs = 0
  #timer: NodeJS.Timeout | undefined

  constructor(hosts: () => readonly HostState[]) {
    this.#hosts = hosts
  }

  /** A batch of the job is on its way. @param sinceMs When the job began: machines may have come up for it. */
  began(jobId: string, sinceMs: number, spent: (usd: number) => void): void {
    const payer = this.#payers.get(jobId)
    if (payer !== undefined) {
      payer.batches++
      return
    }
    if (this.#payers.size === 0) this.#toldUntilMs = Math.max(this.#toldUntilMs, sinceMs)
    else this.#tell()
    this.#payers.set(jobId, { batches: 1, spent })
    this.#timer ??= setInterval(() => this.#tell(), everyMs).unref()
  }

  /** Tasks are about to end, and a job perhaps with them. */
  ending(): void {
    if (this.#payers.size > 0 && Date.now() - this.#toldUntilMs >= preciseMs) this.#tell()
  }

  ended(jobId: string): void {
    const payer = this.#payers.get(jobId)
    if (payer === undefined || --payer.batches > 0) return
    this.#tell()
    this.#payers.delete(jobId)
    if (this.#payers.size === 0) this.close()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #tell(): void {
    const now = Date.now()
    const usd = this.#hosts().reduce((sum, host) => sum + costOf(host, this.#toldUntilMs, now), 0)
    this.#toldUntilMs = Math.max(this.#toldUntilMs, now)
    if (usd === 0) return
    for (const { spent } of this.#payers.values()) spent(usd / this.#payers.size)
  }
}

function costOf({ state, usdPerHour = 0, sinceMs = 0 }: HostState, fromMs: number, toMs: number): number {
  if (state === "lost" || state === "failed") return 0
  return (usdPerHour * Math.max(0, toMs - Math.max(fromMs, sinceMs))) / 3_600_000
}
