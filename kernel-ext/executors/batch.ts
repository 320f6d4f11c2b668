import type { TaskBatch } from "../backends/backend.ts"
import type { Encoded } from "../capture/types.ts"
import type { JobCore } from "./job-core.ts"
import type { Taken } from "./task-queue.ts"

/** Undefined where an input could not be sent: its task has failed, and the others are queued again. */
export function encodeInputs(job: JobCore, { indices, values }: Taken): Encoded | undefined {
  const { codec } = job.captured
  try {
    return codec.encodeEach(values, (i) => `inputs[${indices[i]}]`)
  } catch (error) {
    const sendable = indices.filter((index, i) => {
      try {
        codec.encodeEach([values[i]], () => `inputs[${index}]`)
        return true
      } catch (reason) {
        job.failedHere(index, toError(reason))
        return false
      }
    })
    // Each can be sent alone and all cannot be sent together: none of them would ever get further.
    if (sendable.length === indices.length)
      for (const index of sendable) job.failedHere(index, toError(error))
    else job.returned(sendable, false)
    return undefined
  }
}

export function batchOf(job: JobCore, indices: Uint32Array, inputs: Encoded): TaskBatch {
  const { seed, env, timeoutMs, memoryMiB, isolation = "process" } = job.options
  return {
    jobId: job.id,
    job: { name: job.name, total: job.table.size, startedAtMs: job.startedAtMs },
    shipment: job.captured.shipment,
    seed,
    env,
    timeoutMs,
    memoryMiB,
    isolation,
    indices,
    attempts: attemptsOf(job, indices),
    inputs,
    extraArgs: job.extraArgs,
    storage: job.storage,
  }
}

export function sizeOf({ bytes, blobs }: Encoded): number {
  let total = bytes.byteLength
  for (const blob of blobs) total += blob.byteLength
  return total
}

export function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason), { cause: reason })
}

function attemptsOf({ table }: JobCore, indices: Uint32Array): Uint16Array | undefined {
  const { attempts } = table
  if (indices.every((index) => attempts[index] === 1)) return undefined
  return Uint16Array.from(indices, (index) => attempts[index] ?? 1)
}
