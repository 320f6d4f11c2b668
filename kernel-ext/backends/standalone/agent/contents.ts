import type { ContentKey } from "../../../protocol/invocation.ts"
import type { Sending } from "../../../protocol/worker.ts"
import { decodeContent } from "../messages.ts"
import type { Queue } from "../queue/queue.ts"

/** What an agent keeps of contents in its memory; older ones are asked for again. */
const maxBytes = 512 * 1024 * 1024

/** Functions, packages, broadcast values and jobs, as the queue's server has them; each is asked for once. */
export class Contents {
  readonly #queue: Queue
  /** Newest last. */
  readonly #kept = new Map<ContentKey, { sending: Promise<Sending>; bytes: number }>()
  #bytes = 0

  constructor(queue: Queue) {
    this.#queue = queue
  }

  /** @throws where one of them is not there any more. */
  async get(keys: readonly ContentKey[]): Promise<Map<ContentKey, Sending>> {
    const entries = keys.map(async (key) => [key, await this.#one(key)] as const)
    return new Map(await Promise.all(entries))
  }

  /** Takes what came along with a batch. */
  add(contents: ReadonlyMap<ContentKey, Sending>): void {
    for (const [key, sending] of contents) if (!this.#kept.has(key)) this.#keep(key, Promise.resolve(sending))
  }

  #one(key: ContentKey): Promise<Sending> {
    const known = this.#kept.get(key)
    if (known !== undefined) {
      this.#kept.delete(key)
      this.#kept.set(key, known)
      return known.sending
    }
    return this.#keep(key, this.#fetch(key))
  }

  #keep(key: ContentKey, sending: Promise<Sending>): Promise<Sending> {
    const entry = { sending, bytes: 0 }
    this.#kept.set(key, entry)
    sending.then(
      ({ parts }) => this.#weigh(entry, parts),
      () => this.#kept.delete(key),
    )
    return sending
  }

  async #fetch(key: ContentKey): Promise<Sending> {
    const bytes = await this.#queue.getContent(key)
    if (bytes === undefined)
      throw new Error(`What the tasks need is not kept any more (${key}): run their map again.`)
    return decodeContent(bytes)
  }

  #weigh(entry: { bytes: number }, parts: readonly Uint8Array[]): void {
    entry.bytes = parts.reduce((sum, { byteLength }) => sum + byteLength, 0)
    this.#bytes += entry.bytes
    for (const [key, { bytes }] of this.#kept) {
      if (this.#bytes <= maxBytes || this.#kept.size === 1) return
      this.#kept.delete(key)
      this.#bytes -= bytes
    }
  }
}
