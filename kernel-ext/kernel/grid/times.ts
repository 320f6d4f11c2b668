import { setImmediate } from "node:timers/promises"
import type { JobView } from "../../executors/observe.ts"
import type { Send } from "./feed.ts"

/** More bars than a timeline has pixels: beyond this many started tasks, an even sample is sent. */
const maxTasksSent = 20_000
/** Tasks described before the event loop gets its turn again. */
const sliceTasks = 500

/** Sends when tasks ran and on which worker. */
export async function sendTimes(job: JobView, send: Send, signal: AbortSignal): Promise<void> {
  const step = Math.max(1, Math.ceil(job.size / maxTasksSent))
  const indices: number[] = []
  const starts: number[] = []
  const ends: number[] = []
  const lanes: number[] = []
  const workers = new Map<string, number>()
  for (let index = 0; index < job.size; index += step) {
    if (indices.length % sliceTasks === 0) await setImmediate()
    if (signal.aborted) return
    const task = job.describe(index)
    if (task?.startedAtMs === undefined) continue
    const worker = task.worker ?? ""
    const lane = workers.get(worker) ?? workers.size
    workers.set(worker, lane)
    indices.push(index)
    starts.push(task.startedAtMs - job.startedAtMs)
    ends.push(task.endedAtMs === undefined ? Number.NaN : task.endedAtMs - job.startedAtMs)
    lanes.push(lane)
  }
  const buffers = [
    Uint32Array.from(indices),
    Float32Array.from(starts),
    Float32Array.from(ends),
    Uint16Array.from(lanes),
  ].map((array) => new Uint8Array(array.buffer))
  send({ type: "times", workers: [...workers.keys()], sampled: step > 1 }, buffers)
}
