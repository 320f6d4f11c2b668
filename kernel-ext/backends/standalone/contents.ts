import type { ContentKey } from "../../protocol/invocation.ts"
import type { Sending } from "../../protocol/worker.ts"
import { encodeContent } from "./messages.ts"
import type { Queue } from "./queue/queue.ts"

/** What batches need, brought to the queue's server once, and again before the server forgets it. */
export class SentContents {
  readonly #queue: Queue
  readonly #freshMs: number
  readonly #sent = new Map<ContentKey, { readonly whenThere: Promise<void>; readonly atMs: number }>()

  /** @param keepMs How long the server keeps them. */
  constructor(queue: Queue, keepMs: number) {
    this.#queue = queue
    this.#freshMs = keepMs / 2
  }

  /** Resolves when the server has them all. */
  async put(contents: ReadonlyMap<ContentKey, Sending>): Promise<void> {
    const now = Date.now()
    const waits: Promise<void>[] = []
    for (const [key, sending] of contents) {
      let sent = this.#sent.get(key)
      if (sent === undefined || now - sent.atMs > this.#freshMs) {
        sent = { whenThere: this.#queue.putContent(key, encodeContent(sending)), atMs: now }
        this.#sent.set(key, sent)
        sent.whenThere.catch(() => this.#sent.delete(key))
      }
      waits.push(sent.whenThere)
    }
    await Promise.all(waits)
  }

  forget(key: ContentKey): void {
    this.#sent.delete(key)
  }
}
