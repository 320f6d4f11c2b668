import { encodeSaid, type Said } from "../messages.ts"
import { inlineBytes } from "../queue/limits.ts"
import type { Queue } from "../queue/queue.ts"

/** Logs wait so long for others, and for results, to share their message. */
const holdMs = 25

/** What an agent has to say of one batch, on its way into the results' stream. In order, and none twice. */
export class Outbox {
  readonly #queue: Queue
  readonly #subject: string
  /** Unique: the server keeps what comes twice once. */
  readonly #id: string
  #held: Said[] = []
  #timer: NodeJS.Timeout | undefined
  #sent = 0
  /** Publications that the server has not acknowledged. */
  readonly #open = new Set<Promise<void>>()
  #problem: Error | undefined

  constructor(queue: Queue, subject: string, id: string) {
    this.#queue = queue
    this.#subject = subject
    this.#id = id
  }

  /** Goes with what comes next, or soon. */
  hold(said: Said): void {
    this.#held.push(said)
    this.#timer ??= setTimeout(() => this.flush(), holdMs)
  }

  say(said: Said): void {
    this.#held.push(said)
    this.flush()
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#held.length === 0) return
    const bytes = encodeSaid(this.#held)
    this.#held = []
    const publication = this.#publish(bytes).catch((error: Error) => {
      this.#problem = error
    })
    this.#open.add(publication)
    void publication.then(() => this.#open.delete(publication))
  }

  /**
   * Resolves when the server has kept all that was said.
   *
   * @throws where it did not.
   */
  async whenKept(): Promise<void> {
    this.flush()
    while (this.#open.size > 0) await Promise.all(this.#open)
    if (this.#problem !== undefined) throw this.#problem
  }

  async #publish(bytes: Uint8Array): Promise<void> {
    const id = `${this.#id}.${this.#sent++}`
    if (bytes.byteLength <= inlineBytes) {
      await this.#queue.publish(this.#subject, bytes, id)
      return
    }
    const object = `result/${this.#subject.split(".").slice(-2).join("/")}/${id}`
    await this.#queue.putObject(object, bytes)
    await this.#queue.publish(this.#subject, encodeSaid([{ message: { type: "at", object }, parts: [] }]), id)
  }
}
