import { type Deploying, deploy, type FunctionSpec } from "./deploy.ts"
import { Pace } from "./pace.ts"

/** Functions of one size: as many as are to share the calls, each with a pace of its own. */
export class LambdaFunction {
  readonly spec: FunctionSpec
  /** Rejects where it could not be deployed. */
  readonly ready: Promise<void>
  readonly #shards: Shard[] = []

  constructor(spec: FunctionSpec, shards: number, concurrency: number, around: Deploying) {
    this.spec = spec
    const share = Math.ceil(concurrency / shards)
    const all = Array.from({ length: shards }, async (_, shard) => {
      const name = await deploy({ ...spec, shard }, around)
      this.#shards.push({ name, pace: new Pace({ concurrency: share }) })
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

export interface Shard {
  readonly name: string
  readonly pace: Pace
}
