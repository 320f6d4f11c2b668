import type { LogStream } from "../protocol/worker.ts"

const headBytes = 256 * 1024
const tailBytes = 64 * 1024
const sendEveryMs = 50
const sendAtBytes = 16 * 1024

/**
 * A task's console output on its way to the host: soon, in pieces worth a message, and never more than a host can hold.
 * The beginning goes out as it is written; of the rest only the end is kept, and sent when the task ends, with a line
 * that says how much was cut.
 */
export class TaskLog {
  readonly #send: (stream: LogStream, text: string) => void
  #stream: LogStream = "stdout"
  #pending = ""
  #sentAtMs = 0
  #timer: NodeJS.Timeout | undefined
  #written = 0
  #tail: { stream: LogStream; text: string }[] = []
  #tailLength = 0
  #cut = 0

  constructor(send: (stream: LogStream, text: string) => void) {
    this.#send = send
  }

  write(stream: LogStream, text: string): void {
    if (this.#tail.length > 0 || this.#written + text.length > headBytes) {
      this.#keepTail(stream, text)
      return
    }
    this.#written += text.length
    if (stream !== this.#stream) this.#sendPending()
    this.#stream = stream
    this.#pending += text
    // A task that never lets go of the event loop still streams: the clock is looked at here, not only by a timer.
    if (this.#pending.length > sendAtBytes || performance.now() - this.#sentAtMs > sendEveryMs)
      this.#sendPending()
    else this.#timer ??= setTimeout(() => this.#sendPending(), sendEveryMs)
  }

  /** Sends what is left, including the end of a flood. */
  flush(): void {
    this.#sendPending()
    if (this.#tail.length === 0) return
    if (this.#cut > 0) this.#send("stderr", `\n… ${this.#cut.toLocaleString("en")} characters cut …\n`)
    for (const { stream, text } of this.#tail) this.#send(stream, text)
    this.#tail = []
    this.#tailLength = 0
    this.#cut = 0
  }

  #keepTail(stream: LogStream, text: string): void {
    const kept = text.length > tailBytes ? text.slice(-tailBytes) : text
    this.#cut += text.length - kept.length
    const last = this.#tail.at(-1)
    // Lines join to pieces, so that millions of short ones are not millions of objects.
    if (last !== undefined && last.stream === stream && last.text.length + kept.length < 4096)
      last.text += kept
    else this.#tail.push({ stream, text: kept })
    this.#tailLength += kept.length
    while (this.#tailLength > tailBytes && this.#tail.length > 1) {
      const length = this.#tail.shift()?.text.length ?? 0
      this.#tailLength -= length
      this.#cut += length
    }
  }

  #sendPending(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#pending === "") return
    const text = this.#pending
    this.#pending = ""
    this.#sentAtMs = performance.now()
    this.#send(this.#stream, text)
  }
}
