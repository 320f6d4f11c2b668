import type { ContentKey } from "../../protocol/invocation.ts"
import type { Sending } from "../../protocol/worker.ts"
import { encodeContent } from "./messages.ts"
import type { Queue } from "./queue/queue.ts"

/** What is no larger than this goes along with batches until the server has it: they need not wait for that. */
const carriedBytes = 8 * 1024

interface Sent {
  readonly whenThere: Promise<void>
  readonly bytes: number
  readonly atMs: number
  isThere: boolean
}

/** What batches need, brought to the queue's server once, and again before the server forgets it. */
export class SentContents {
  readonly #queue: Queue
  readonly #freshMs: number
  readonly #sent = new Map<ContentKey, Sent>()

  /** @param keepMs How long the server keeps them. */
  constructor(queue: Queue, keepMs: number) {
    this.#queue = queue
    this.#freshMs = keepMs / 2
  }

  /** Resolves when the server has them all but those that it resolves with: these are to go along with the batch. */
  async put(contents: ReadonlyMap<ContentKey, Sending>): Promise<ReadonlyMap<ContentKey, Sending>> {
    const carried = new Map<ContentKey, Sending>()
    const waits: Promise<void>[] = []
    for (const [key, sending] of contents) {
      const sent = this.#bring(key, sending)
      if (sent.isThere) continue
      if (sent.bytes > carriedBytes) waits.push(sent.whenThere)
      else carried.set(key, sending)
    }
    await Promise.all(waits)
    return carried
  }

  forget(key: ContentKey): void {
    this.#sent.delete(key)
  }

  #bring(key: ContentKey, sending: Sending): Sent {
    const known = this.#sent.get(key)
    if (known !== undefined && Date.now() - known.atMs <= this.#freshMs) return known
    const bytes = encodeContent(sending)
    const sent: Sent = {
      whenThere: this.#queue.putContent(key, bytes),
      ...{ bytes: bytes.byteLength, atMs: Date.now(), isThere: false },
    }
    this.#sent.set(key, sent)
    sent.whenThere.then(
      () => {
        sent.isThere = true
      },
      () => this.#sent.delete(key),
    )
    return sent
  }
}
