import { openExecutors } from "../../executors/observe.ts"
import type { ListedExecutor } from "../../protocol/job-view.ts"
import { log } from "../log.ts"

/** More workers than a panel lists one by one. */
const workersShown = 64

/** The executors of this kernel with their workers, oldest first. */
export function listExecutors(): ListedExecutor[] {
  return openExecutors().map((executor) => {
    const { id, kind, backend, workers, idle } = executor
    const running = executor.workerStates()?.slice(0, workersShown)
    return { id, kind, backend, workers, idle, ...(running === undefined ? {} : { running: [...running] }) }
  })
}

/** Takes away what an executor holds: its workers, and what earlier runs left behind. The next job starts new ones. */
export async function cleanUp(id: string): Promise<void> {
  const executor = openExecutors().find((one) => one.id === id)
  try {
    await executor?.clean()
  } catch (error) {
    log(`Executor ${id} could not be cleaned up: ${error instanceof Error ? error.message : String(error)}`)
  }
}
