import type { Encoded, Loaded } from "../capture/types.ts"
import type { Failure, FromWorker } from "../protocol/worker.ts"
import { describeFailure } from "./failure.ts"
import type { Meter } from "./meter.ts"

/** Tasks quicker than this are not measured one by one: asking the system would take longer than they do. */
const measureAboveMs = 1

/** Gathers how the tasks of a batch ended, and turns what has gathered into one message. */
export class Report {
  readonly #batch: number
  readonly #loaded: Loaded | undefined
  readonly #meter: Meter
  #from = 0
  #count = 0
  #startedAtMs: number[] = []
  #endedAtMs: number[] = []
  /** Results encoded so far, and those after them that are still to be. */
  #segments: Encoded[] = []
  #primitives: unknown[] = []
  #hasBlobs = false
  #failures: Failure[] = []
  #slow: number[] = []
  #cpuMark: number
  #quickMs = 0

  /** @param cpuMark What the worker had used before the first task. */
  constructor(batch: number, loaded: Loaded | undefined, meter: Meter, cpuMark: number) {
    this.#batch = batch
    this.#loaded = loaded
    this.#meter = meter
    this.#cpuMark = cpuMark
  }

  get isEmpty(): boolean {
    return this.#count === 0
  }

  /** Whether it holds memory of the tasks' own, which the next task may write to. */
  get isUrgent(): boolean {
    return this.#hasBlobs
  }

  done(startedAtMs: number, endedAtMs: number, result: unknown): void {
    const type = typeof result
    if ((type === "object" && result !== null) || type === "function" || type === "symbol")
      this.#encodeNow(result)
    else this.#primitives.push(result)
    this.#ended(startedAtMs, endedAtMs)
  }

  failed(startedAtMs: number, endedAtMs: number, thrown: unknown): void {
    this.#failures.push(describeFailure(this.#from + this.#count, thrown, this.#loaded))
    this.#ended(startedAtMs, endedAtMs)
  }

  /** The message for all that ended since the last one, with its parts. */
  take(): { head: FromWorker; parts: Uint8Array[] } {
    this.#encodePrimitives()
    const segments = this.#segments
    const head: FromWorker = {
      type: "report",
      batch: this.#batch,
      from: this.#from,
      count: this.#count,
      failures: this.#failures,
      slow: this.#slow,
      peakMemoryBytes: this.#meter.peakMemoryBytes(),
      segments: segments.map(({ blobs }) => blobs.length),
    }
    const times = new Float64Array(2 * this.#count)
    times.set(this.#startedAtMs)
    times.set(this.#endedAtMs, this.#count)
    this.#from += this.#count
    this.#count = 0
    this.#startedAtMs = []
    this.#endedAtMs = []
    this.#segments = []
    this.#hasBlobs = false
    this.#failures = []
    this.#slow = []
    const parts: Uint8Array[] = [new Uint8Array(times.buffer)]
    for (const { bytes, blobs } of segments) parts.push(bytes, ...blobs)
    return { head, parts }
  }

  #ended(startedAtMs: number, endedAtMs: number): void {
    this.#startedAtMs.push(startedAtMs)
    this.#endedAtMs.push(endedAtMs)
    const tookMs = endedAtMs - startedAtMs
    if (tookMs < measureAboveMs) {
      this.#quickMs += tookMs
    } else {
      const cpu = this.#meter.cpuMs()
      const spent = Math.max(0, cpu - this.#cpuMark - this.#quickMs)
      this.#slow.push(this.#from + this.#count, spent, this.#meter.peakMemoryBytes())
      this.#cpuMark = cpu
      this.#quickMs = 0
    }
    this.#count++
  }

  /** An object as it is now: the next task may hold on to the same one and change it. */
  #encodeNow(result: unknown): void {
    const loaded = this.#loaded
    if (loaded === undefined) return
    try {
      const encoded = loaded.codec.encodeEach([result], () => "result")
      this.#encodePrimitives()
      this.#segments.push(encoded)
      if (encoded.blobs.length > 0) this.#hasBlobs = true
    } catch (error) {
      this.#failures.push(describeFailure(this.#from + this.#count, error, loaded))
    }
  }

  #encodePrimitives(): void {
    if (this.#primitives.length === 0) return
    const encoded = this.#loaded?.codec.encodeEach(this.#primitives, () => "result")
    if (encoded !== undefined) this.#segments.push(encoded)
    this.#primitives = []
  }
}
