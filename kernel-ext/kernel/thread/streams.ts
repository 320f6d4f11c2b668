import type { Header, Outgoing } from "../wire.ts"

/** Gathers console text for a moment, so that a thousand writes are a few messages. */

const FLUSH_AFTER_MS = 20

/** A message is sent before it grows beyond this. */
const LONGEST_TEXT = 256 * 1024

interface Segment {
  readonly name: "stdout" | "stderr"
  readonly parent: Header | undefined
  text: string
}

export class StreamBatches {
  readonly #send: (topic: string, message: Outgoing, load: number) => void
  /** In order of writing; neighbours differ in stream or cell. */
  #segments: Segment[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(send: (topic: string, message: Outgoing, load: number) => void) {
    this.#send = send
  }

  write(name: "stdout" | "stderr", parent: Header | undefined, text: string): void {
    const last = this.#segments.at(-1)
    if (last?.name === name && last.parent?.msg_id === parent?.msg_id) last.text += text
    else this.#segments.push({ name, parent, text })
    if ((this.#segments.at(-1)?.text.length ?? 0) >= LONGEST_TEXT) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_AFTER_MS)
  }

  /** Sends what was gathered. To be called before anything else is published. */
  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const segments = this.#segments
    this.#segments = []
    for (const { name, parent, text } of segments) {
      const content = JSON.stringify({ name, text })
      this.#send(`stream.${name}`, { type: "stream", parent, content }, text.length)
    }
  }
}
