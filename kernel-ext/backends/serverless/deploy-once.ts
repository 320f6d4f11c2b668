import { setTimeout as sleep } from "node:timers/promises"
import { BackendError } from "../../errors.ts"
import type { Meaning } from "./http.ts"
import type { Deploying } from "./platform.ts"

/** How far a platform is with a service: services come up after the request that makes them. */
export type DeployState = "ready" | "failed" | "under way"

export interface Deployment<T> {
  /** The backend, and its name in sentences. */
  readonly platform: { readonly name: string; readonly title: string }
  readonly name: string
  readonly place: string
  /** For people: its size, and what it runs. */
  readonly what: string
  find(): Promise<T | undefined>
  /** Another kernel may make it at the same moment: then that one's is as good. */
  make(): Promise<unknown>
  remove(): Promise<unknown>
  stateOf(found: T | undefined): DeployState
  /** Why it is not ready, once it has failed or takes longer than anybody waits. */
  whyNot(found: T | undefined): Meaning
}

const readyWithinMs = 300_000
const lookEveryMs = 500

/** Finds a service, or makes it and waits until it is ready. One that fails is deleted: left as it is, it would be found again. */
export async function deployOnce<T>(
  deployment: Deployment<T>,
  { say, signal }: Pick<Deploying, "say" | "signal">,
): Promise<T> {
  const { platform, name, place, what, find, make, stateOf } = deployment
  const found = await find()
  if (found !== undefined && stateOf(found) === "ready") return found
  const beganAt = performance.now()
  if (found === undefined) {
    say(`Deploying ${name} to ${platform.name} in ${place}: ${what} …`)
    await make()
  }
  const ready = await untilReady(deployment, signal)
  say(`Deployed ${name} in ${((performance.now() - beganAt) / 1000).toFixed(1)} s`)
  return ready
}

async function untilReady<T>(deployment: Deployment<T>, signal: AbortSignal): Promise<T> {
  const { platform, name, place, find, remove, stateOf, whyNot } = deployment
  for (const end = performance.now() + readyWithinMs; ; await sleep(lookEveryMs, undefined, { signal })) {
    const found = await find()
    const state = stateOf(found)
    if (found !== undefined && state === "ready") return found
    if (state !== "failed" && performance.now() < end) continue
    await remove()
    const { kind, what } = whyNot(found)
    const late = state === "failed" ? "" : ` after ${readyWithinMs / 60_000} minutes`
    throw new BackendError(`${platform.title} in ${place} could not start ${name}${late}: ${what}.`, {
      ...{ backend: platform.name, kind, retryable: false },
    })
  }
}
