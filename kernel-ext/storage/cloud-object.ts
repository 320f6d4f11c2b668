import type { GetOptions, ObjectReference } from "../protocol/storage.ts"
import { letTravel } from "../util/own.ts"
import { findStorage } from "./known.ts"
import { checkBucket, checkKey } from "./names.ts"
import { StorageClient } from "./storage.ts"

/**
 * Says which object, and reads it wherever it is: in the notebook, in a task that captured it or got it as its input.
 *
 * @example
 * ```ts
 * const model = await storage.put("model.json", JSON.stringify(weights))
 * await fexec.map(async (row) => predict(JSON.parse(await model.text()), row), rows)
 * ```
 */
export class CloudObject implements ObjectReference {
  readonly backend: string
  readonly bucket: string
  readonly key: string
  /** Which of several storages with this backend; undefined: the one of the configuration. */
  readonly #storage: string | undefined

  constructor(reference: ObjectReference, storage?: string) {
    this.backend = reference.backend
    this.bucket = checkBucket(reference.bucket)
    this.key = checkKey(reference.key)
    this.#storage = storage
    Object.freeze(this)
  }

  /** The storage it stands in. */
  get storage(): StorageClient {
    return new StorageClient(findStorage(this.backend, this.#storage)).in(this.bucket)
  }

  get(options?: GetOptions): Promise<Uint8Array> {
    return this.storage.get(this.key, options)
  }

  text(options?: GetOptions): Promise<string> {
    return this.storage.text(this.key, options)
  }

  stream(options?: GetOptions): Promise<AsyncIterable<Uint8Array>> {
    return this.storage.stream(this.key, options)
  }

  /** As a URL: `aws_s3://bucket/key`. */
  toString(): string {
    return `${this.backend}://${this.bucket}/${this.key}`
  }

  static {
    letTravel(
      CloudObject,
      "CloudObject",
      (object) => ({
        backend: object.backend,
        bucket: object.bucket,
        key: object.key,
        storage: object.#storage,
      }),
      (data) => {
        const { storage, ...reference } = data as ObjectReference & { storage?: unknown }
        return new CloudObject(reference, typeof storage === "string" ? storage : undefined)
      },
    )
  }
}
