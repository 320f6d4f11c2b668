import { openExecutors } from "../../executors/observe.ts"
import type { ListedExecutor } from "../../protocol/job-view.ts"
import { log } from "../log.ts"

/** More workers than a panel lists one by one. */
const workersShown = 64
const detailChars = 300

/** By executor: that it is being cleaned up, or why it could not be. */
const cleaning = new Map<string, NonNullable<ListedExecutor["cleaning"]>>()

/** The executors of this kernel with their workers, oldest first. */
export function listExecutors(): ListedExecutor[] {
  return openExecutors().map((executor) => {
    const { id, kind, backend, workers, idle } = executor
    const running = executor.workerStates()?.slice(0, workersShown)
    return {
      id,
      kind,
      backend,
      workers,
      idle,
      ...(cleaning.has(id) ? { cleaning: cleaning.get(id) } : {}),
      ...(running === undefined ? {} : { running: running.map(listed) }),
    }
  })
}

function listed(worker: NonNullable<ListedExecutor["running"]>[number]) {
  const { detail } = worker
  return detail === undefined || detail.length <= detailChars
    ? worker
    : { ...worker, detail: `${detail.slice(0, detailChars - 1)}…` }
}

/**
 * Takes away what an executor holds: its workers, and what earlier runs left behind. The next job starts new ones. `changed` is called
 * when it begins and when it has ended.
 */
export async function cleanUp(id: string, changed: () => void): Promise<void> {
  const executor = openExecutors().find((one) => one.id === id)
  if (executor === undefined || cleaning.get(id) === "now") return
  cleaning.set(id, "now")
  changed()
  try {
    await executor.clean()
    cleaning.delete(id)
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error)
    log(`Executor ${id} could not be cleaned up: ${words}`)
    cleaning.set(id, { failed: words.slice(0, 1000) })
  }
  changed()
}
