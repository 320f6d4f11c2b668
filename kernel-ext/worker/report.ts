import type { Encoded, Loaded } from "../capture/types.ts"
import type { Failure, FromWorker } from "../protocol/worker.ts"
import { describeFailure } from "./failure.ts"

/** Tasks quicker than this are not measured one by one: asking the system would take longer than they do. */
const measureAboveMs = 1

/** Gathers how the tasks of a batch ended, and turns what has gathered into one message. */
export class Report {
  readonly #batch: number
  readonly #loaded: Loaded | undefined
  #from = 0
  #count = 0
  #startedAtMs: number[] = []
  #endedAtMs: number[] = []
  #results: unknown[] = []
  #resultOffsets: number[] = []
  #failures: Failure[] = []
  #slow: number[] = []
  #cpuMark: number
  #quickMs = 0

  constructor(batch: number, loaded: Loaded | undefined) {
    this.#batch = batch
    this.#loaded = loaded
    this.#cpuMark = cpuMs(process.cpuUsage())
  }

  get isEmpty(): boolean {
    return this.#count === 0
  }

  done(startedAtMs: number, endedAtMs: number, result: unknown): void {
    this.#results.push(result)
    this.#resultOffsets.push(this.#from + this.#count)
    this.#ended(startedAtMs, endedAtMs)
  }

  failed(startedAtMs: number, endedAtMs: number, thrown: unknown): void {
    this.#failures.push(describeFailure(this.#from + this.#count, thrown, this.#loaded))
    this.#ended(startedAtMs, endedAtMs)
  }

  /** The message for all that ended since the last one, with its parts. */
  take(): { head: FromWorker; parts: Uint8Array[] } {
    const results = this.#encodeResults()
    const head: FromWorker = {
      type: "report",
      batch: this.#batch,
      from: this.#from,
      count: this.#count,
      failures: this.#failures,
      slow: this.#slow,
    }
    const times = new Float64Array(2 * this.#count)
    times.set(this.#startedAtMs)
    times.set(this.#endedAtMs, this.#count)
    this.#from += this.#count
    this.#count = 0
    this.#startedAtMs = []
    this.#endedAtMs = []
    this.#results = []
    this.#resultOffsets = []
    this.#failures = []
    this.#slow = []
    return { head, parts: [new Uint8Array(times.buffer), results.bytes, ...results.blobs] }
  }

  #ended(startedAtMs: number, endedAtMs: number): void {
    this.#startedAtMs.push(startedAtMs)
    this.#endedAtMs.push(endedAtMs)
    const tookMs = endedAtMs - startedAtMs
    if (tookMs < measureAboveMs) {
      this.#quickMs += tookMs
    } else {
      const usage = process.resourceUsage()
      const cpu = (usage.userCPUTime + usage.systemCPUTime) / 1000
      this.#slow.push(
        this.#from + this.#count,
        Math.max(0, cpu - this.#cpuMark - this.#quickMs),
        usage.maxRSS * 1024,
      )
      this.#cpuMark = cpu
      this.#quickMs = 0
    }
    this.#count++
  }

  #encodeResults(): Encoded {
    const loaded = this.#loaded
    if (loaded === undefined) return { bytes: new Uint8Array(0), blobs: [] }
    try {
      return loaded.codec.encodeEach(this.#results, () => "result")
    } catch {
      return this.#encodeWhatCan(loaded)
    }
  }

  /** One result that cannot be sent fails its own task only. */
  #encodeWhatCan(loaded: Loaded): Encoded {
    const sendable = this.#results.filter((result, i) => {
      try {
        loaded.codec.encodeEach([result], () => "result")
        return true
      } catch (error) {
        this.#failures.push(describeFailure(this.#resultOffsets[i] ?? 0, error, loaded))
        return false
      }
    })
    this.#failures.sort((a, b) => a.offset - b.offset)
    return loaded.codec.encodeEach(sendable, () => "result")
  }
}

function cpuMs(usage: NodeJS.CpuUsage): number {
  return (usage.user + usage.system) / 1000
}
