import type { Encoded } from "../capture/types.ts"
import { type ContentKey, contentKey } from "../protocol/invocation.ts"
import type { Sending } from "../protocol/worker.ts"
import type { TaskBatch } from "./backend.ts"

/** A batch as messages to an environment that may have been sent some of them before. */
export interface BatchSendings {
  /** What its tasks need, in the order in which a worker takes it in. */
  readonly contents: ReadonlyMap<ContentKey, Sending>
  readonly run: Sending
}

/** Numbers that environments replace by their own. */
const [job, base, epoch] = [0, 0, 0]

export function sendingsOf(batch: TaskBatch): BatchSendings {
  const { shipment, packages, jobId, seed, env, storage, extraArgs, indices, attempts, inputs } = batch
  const { hash, code, imports, data, broadcasts, origin } = shipment
  const sendings: Sending[] = broadcasts.map((one) => ({
    message: { type: "broadcast", hash: one.hash },
    parts: partsOf(one.encoded),
  }))
  if (packages !== undefined)
    sendings.push({ message: { type: "packages", hash: packages.hash }, parts: [Buffer.from(packages.code)] })
  const extra = extraArgs !== undefined
  sendings.push(
    {
      message: { type: "ship", hash, code, imports, resolveFrom: "/", packages: packages?.hash, origin },
      parts: partsOf(data),
    },
    {
      message: { type: "job", job, jobId, hash, seed, env, storage, extra },
      parts: extra ? partsOf(extraArgs) : [],
    },
  )
  const count = indices.length
  const run: Sending = {
    message: { type: "run", batch: 0, job, epoch, base, count, first: 0, indices, attempts },
    parts: partsOf(inputs),
  }
  return { contents: new Map(sendings.map((sending) => [contentKey(sending) ?? "", sending])), run }
}

function partsOf({ bytes, blobs }: Encoded): Uint8Array[] {
  return [bytes, ...blobs]
}
