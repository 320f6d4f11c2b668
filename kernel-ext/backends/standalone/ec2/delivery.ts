import { createHash } from "node:crypto"
import { BackendError } from "../../../errors.ts"
import type { StorageDescription } from "../../../protocol/storage.ts"
import { StorageClient } from "../../../storage/storage.ts"
import { cleanTemporary, jobPrefix } from "../../../storage/temporary.ts"
import type { ScriptFile } from "./user-data.ts"

/**
 * The way of files to instances: they are put into storage, and user data has a URL for each, by which it can be read for an hour. So
 * what is secret does not stand in user data, which stays readable for as long as the instance lives.
 */

/** How long instances may take to start. */
export const validMs = 3_600_000

export class Delivery {
  readonly #storage: StorageClient
  readonly #pool: string
  readonly #prefix: string

  constructor(pool: string, storage: () => StorageDescription) {
    this.#pool = pool
    this.#storage = new StorageClient(storage)
    this.#prefix = jobPrefix(pool, validMs)
  }

  /** Puts a file there. */
  async send(name: string, bytes: Uint8Array): Promise<ScriptFile> {
    const sha256 = createHash("sha256").update(bytes).digest("hex")
    const key = `${this.#prefix}${sha256.slice(0, 16)}/${name}`
    return this.#told(name, async () => {
      await this.#storage.put(key, bytes)
      return { name, url: await this.#storage.url(key, { validMs }), sha256 }
    })
  }

  /** Where a file will be that is not made yet, and the way to put it there. */
  async promise(
    name: string,
    place: string,
  ): Promise<{ file: ScriptFile; put(bytes: Uint8Array): Promise<void> }> {
    const key = `${this.#prefix}${place}/${name}`
    const url = await this.#told(name, () => this.#storage.url(key, { validMs }))
    return {
      file: { name, url, sha256: undefined },
      put: (bytes) => this.#told(name, async () => void (await this.#storage.put(key, bytes))),
    }
  }

  /** Deletes what was put there. */
  async clean(): Promise<void> {
    await cleanTemporary(this.#storage, { jobId: this.#pool })
  }

  async #told<T>(name: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (cause) {
      throw new BackendError(
        `Instances fetch ${name} from storage, which did not take it: ${(cause as Error).message}`,
        { backend: "aws_ec2", kind: "setup", retryable: false, cause },
      )
    }
  }
}
