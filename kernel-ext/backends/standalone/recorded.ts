import { decodeSaid, type Said } from "./messages.ts"
import type { Queue } from "./queue/queue.ts"

/**
 * What a recorded packet says; a promise of it where it was too large for one message.
 *
 * @throws where the bytes are nothing that agents say.
 */
export function saidIn(queue: Queue, bytes: Uint8Array): readonly Said[] | Promise<readonly Said[]> {
  const said = decodeSaid(bytes)
  const message = said[0]?.message
  return message?.type === "at" ? fetchSaid(queue, message.object) : said
}

async function fetchSaid(queue: Queue, object: string): Promise<readonly Said[]> {
  const bytes = await queue.getObject(object)
  if (bytes === undefined) throw new Error(`A result is not kept any more: ${object}.`)
  return decodeSaid(bytes)
}

/** Takes things in the order in which they came, also where some of them take time; at once where none before does. */
export class InOrder {
  #last: Promise<void> | undefined

  add<T>(value: T | Promise<T>, take: (value: T) => void, failed: (error: Error) => void): void {
    if (this.#last === undefined && !(value instanceof Promise)) {
      take(value)
      return
    }
    const before = this.#last ?? Promise.resolve()
    const turn = before
      .then(() => value)
      .then(take)
      .catch(failed)
      .finally(() => {
        if (this.#last === turn) this.#last = undefined
      })
    this.#last = turn
  }
}
