import type { JobView } from "../../executors/observe.ts"
import { taskDetails } from "./bundle.ts"
import type { Send } from "./feed.ts"

const intervalMs = 250

/** Sends one task's details now and, at most four times a second, whenever they change. Returns the way to stop. */
export function watchTask(job: JobView, index: number, send: Send): () => void {
  let timer: NodeJS.Timeout | undefined
  const tell = () => {
    timer = undefined
    const task = job.describe(index)
    if (task !== undefined) send({ type: "task", watched: true, task: taskDetails(task) })
  }
  const stop = job.observe((indices) => {
    if (Array.prototype.includes.call(indices, index)) timer ??= setTimeout(tell, intervalMs).unref()
  })
  tell()
  return () => {
    stop()
    clearTimeout(timer)
  }
}
