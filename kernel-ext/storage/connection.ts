import type { StorageDescription } from "../protocol/storage.ts"
import { openProvider, type Provider } from "./provider.ts"

/** A provider that is open, and what was learnt about the caller's own bucket. */
export class Connection {
  readonly provider: Provider
  #ownBucket: string | undefined
  #making: Promise<void> | undefined

  constructor(provider: Provider) {
    this.provider = provider
  }

  /** The bucket for those who named none. */
  async ownBucket(signal: AbortSignal | undefined): Promise<string> {
    this.#ownBucket ??= await this.provider.defaultBucket(signal)
    return this.#ownBucket
  }

  /** Makes the bucket that nobody named before the first write to it. */
  readyFor(bucket: string): Promise<void> {
    if (bucket !== this.#ownBucket) return Promise.resolve()
    // Once for all that write at the same moment, so no one's signal ends it.
    if (this.#making === undefined) {
      const making = this.provider.createBucket(bucket, undefined)
      this.#making = making
      making.catch(() => {
        this.#making = undefined
      })
    }
    return this.#making
  }
}

/** Whoever gives no keys has them looked up here, once for each connection: who sets others gets another one. */
const identity = ["AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"]

/** Sockets and credentials are shared by all that describe the same storage. */
const open = new Map<string, Promise<Connection>>()

export function connect(description: StorageDescription): Promise<Connection> {
  const { backend, options, secrets } = description
  const keys = secrets ?? identity.map((name) => process.env[name])
  const key = JSON.stringify([backend, options, keys])
  const known = open.get(key)
  if (known !== undefined) return known
  const opening = openProvider(description).then((provider) => new Connection(provider))
  open.set(key, opening)
  opening.catch(() => open.delete(key))
  return opening
}
