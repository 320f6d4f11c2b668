import { BackendError } from "../../../errors.ts"
import type { QueueNames } from "../../../protocol/queue.ts"
import type { JetStreamManager } from "./connection.ts"
import { leaseMs } from "./limits.ts"

export interface PoolSettings {
  /** How long tasks, results and contents are kept. */
  readonly keepMs: number
  /** Copies of each on servers of a cluster. */
  readonly replicas: number
}

export const defaultKeepMs = 24 * 60 * 60 * 1000

const perMs = 1e6

/** The same publication, tried again within this time, is kept once. */
const duplicateWindowMs = 120_000

/**
 * Makes the pool's streams where they are missing. Those that are there stay as they are.
 *
 * @throws BackendError where the server has no JetStream, or does not let us.
 */
export async function ensureStreams(
  manager: JetStreamManager,
  names: QueueNames,
  { keepMs, replicas }: PoolSettings,
): Promise<void> {
  const common = {
    num_replicas: replicas,
    storage: "file",
    max_age: keepMs * perMs,
    duplicate_window: Math.min(duplicateWindowMs, keepMs) * perMs,
    discard: "new",
    allow_direct: true,
  }
  const { objects } = names
  await add(() =>
    manager.streams.add({
      ...common,
      name: names.tasks,
      subjects: [names.allTasks],
      retention: "workqueue",
    } as never),
  )
  await add(() =>
    manager.streams.add({ ...common, name: names.results, subjects: [...names.allResults] } as never),
  )
  await add(() =>
    manager.streams.add({
      ...common,
      name: `OBJ_${objects}`,
      subjects: [`$O.${objects}.C.>`, `$O.${objects}.M.>`],
      allow_rollup_hdrs: true,
    } as never),
  )
  await add(() =>
    manager.consumers.add(names.tasks, {
      durable_name: names.consumer,
      ack_policy: "explicit",
      ack_wait: leaseMs * perMs,
      max_deliver: -1,
      max_ack_pending: 100_000,
      max_waiting: 100_000,
      max_batch: 1024,
    } as never),
  )
}

async function add(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    const { message, code } = error as Error & { code?: number }
    // There, with other settings: a pool keeps those that it was made with.
    if (code === 10058 || code === 10148 || /already (in use|exists)/i.test(message)) return
    const text = /no responders|503|not enabled/i.test(message)
      ? "The queue's server has no JetStream. Start it as `nats-server -js`, or set `jetstream` in its configuration."
      : `The queue's streams could not be made: ${message}.`
    throw new BackendError(text, { backend: "nats", retryable: false, kind: "setup", cause: error })
  }
}
