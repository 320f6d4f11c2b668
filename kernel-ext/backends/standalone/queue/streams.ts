import { BackendError } from "../../../errors.ts"
import { type Lane, lanes, type QueueNames } from "../../../protocol/queue.ts"
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
  for (const lane of lanes) await addConsumer(manager, names, lane)
}

async function addConsumer(manager: JetStreamManager, names: QueueNames, lane: Lane): Promise<void> {
  await add(() =>
    manager.consumers.add(names.tasks, {
      durable_name: lane,
      filter_subject: names.laneSubject(lane),
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
    throw new BackendError(textOf(message), {
      backend: "nats",
      retryable: false,
      kind: "setup",
      cause: error,
    })
  }
}

function textOf(message: string): string {
  if (/no responders|503|not enabled/i.test(message))
    return "The queue's server has no JetStream. Start it as `nats-server -js`, or set `jetstream` in its configuration."
  if (/consumers? not (unique|allowed) on workqueue/i.test(message))
    return "The pool on the queue's server was made by another version of cellfan. Name another one by the option `pool`."
  return `The queue's streams could not be made: ${message}.`
}
