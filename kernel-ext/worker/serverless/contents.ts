import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { ContentKey, InvocationEvent } from "../../protocol/invocation.ts"
import type { Sending } from "../../protocol/worker.ts"
import { encodeFrame } from "../../util/frames.ts"
import { fetchObject, sendingsIn } from "./event.ts"

/** Jobs are small, and may hold keys: they are kept in memory, so many of them. */
const maxJobs = 64

/**
 * What calls have brought and further ones may need. Functions, packages and broadcast values stand in the folder for
 * temporary files: the thread has its own copy in memory, and a new process in the same place finds them again.
 */
export class Contents {
  readonly #folder: string
  readonly #inMemory = new Map<ContentKey, Sending>()

  constructor(folder: string) {
    this.#folder = folder
  }

  has(key: ContentKey): boolean {
    return this.#inMemory.has(key) || existsSync(this.#fileOf(key))
  }

  get(key: ContentKey): Sending | undefined {
    const kept = this.#inMemory.get(key)
    if (kept !== undefined) return kept
    const file = this.#fileOf(key)
    return existsSync(file) ? sendingsIn(readFileSync(file))[0] : undefined
  }

  keep(key: ContentKey, sending: Sending): void {
    if (sending.message.type !== "job" && this.#write(key, sending)) return
    this.#inMemory.set(key, sending)
    const [oldest] = this.#inMemory.keys()
    if (this.#inMemory.size > maxJobs && oldest !== undefined) this.#inMemory.delete(oldest)
  }

  /** From storage. */
  async fetch(key: ContentKey, { contentsAt = {} }: InvocationEvent): Promise<Sending> {
    const reference = contentsAt[key]
    const [sending] = reference === undefined ? [] : sendingsIn(await fetchObject(reference))
    if (sending === undefined) throw new Error(`The call needs ${key}, which is not there.`)
    this.keep(key, sending)
    return sending
  }

  /** Whether it could be written: the folder may be full. */
  #write(key: ContentKey, { message, parts }: Sending): boolean {
    const file = this.#fileOf(key)
    if (existsSync(file)) return true
    const temporary = `${file}.${process.pid}`
    try {
      mkdirSync(this.#folder, { recursive: true })
      writeFileSync(temporary, Buffer.concat(encodeFrame(message, parts)))
      renameSync(temporary, file)
      return true
    } catch {
      return false
    }
  }

  /** Keys come from outside: a hash of one is a name that stays within the folder. */
  #fileOf(key: ContentKey): string {
    return join(this.#folder, createHash("sha256").update(key).digest("hex").slice(0, 32))
  }
}
