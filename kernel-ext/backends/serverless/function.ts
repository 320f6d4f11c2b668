import { Pace } from "./pace.ts"
import type { Callable, Deploying, FunctionSize, Platform } from "./platform.ts"

/** Functions of one size: as many as are to share the calls, each with a pace of its own. */
export class ServerlessFunction {
  readonly size: FunctionSize
  /** Rejects where it could not be deployed. */
  readonly ready: Promise<void>
  readonly #shards: Shard[] = []

  constructor(platform: Platform, size: FunctionSize, concurrency: number, around: Omit<Deploying, "shard">) {
    const { shards = 1, pace } = platform
    this.size = size
    const share = Math.ceil(concurrency / shards)
    const all = Array.from({ length: shards }, async (_, shard) => {
      const deploy = () => platform.deploy(size, { ...around, shard })
      this.#shards.push(new Shard(await deploy(), deploy, new Pace({ ...pace, concurrency: share })))
    })
    this.ready = Promise.all(all).then(() => {})
  }

  /** Takes the right to a call now; or says in how many milliseconds there may be one. */
  take(nowMs: number): Shard | number {
    let waitMs = Number.POSITIVE_INFINITY
    for (const shard of [...this.#shards].sort((a, b) => a.pace.running - b.pace.running)) {
      const wait = shard.pace.take(nowMs)
      if (wait === 0) return shard
      waitMs = Math.min(waitMs, wait)
    }
    return waitMs
  }
}

export class Shard {
  callable: Callable
  readonly pace: Pace
  readonly #deploy: () => Promise<Callable>
  #redeploying: Promise<void> | undefined

  constructor(callable: Callable, deploy: () => Promise<Callable>, pace: Pace) {
    this.callable = callable
    this.pace = pace
    this.#deploy = deploy
  }

  /** Makes it anew, once for all calls that found it deleted. */
  redeploy(): Promise<void> {
    this.#redeploying ??= this.#deploy()
      .then((callable) => {
        this.callable = callable
      })
      .finally(() => {
        this.#redeploying = undefined
      })
    return this.#redeploying
  }
}
