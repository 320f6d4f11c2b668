import { JobHub } from "./job-hub.ts"
import type { KernelSession } from "./session.ts"

const hubs = new WeakMap<KernelSession, JobHub>()

/** A session's jobs: outputs and the side panel share their models. */
export function hubOf(session: KernelSession): JobHub {
  const known = hubs.get(session)
  if (known !== undefined) return known
  const hub = new JobHub(session)
  hubs.set(session, hub)
  return hub
}
