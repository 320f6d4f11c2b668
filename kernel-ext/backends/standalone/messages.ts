import type { PackageBundle } from "../../capture/load/packages.ts"
import type { Encoded, Shipment } from "../../capture/types.ts"
import type { ContentKey } from "../../protocol/invocation.ts"
import {
  type AgentMessage,
  parseAgentMessage,
  type TaskMessage,
  type WrittenEnd,
} from "../../protocol/queue.ts"
import type { Sending, ToWorker } from "../../protocol/worker.ts"
import { encodeFrame, FrameReader } from "../../util/frames.ts"
import { decodePacket, encodePacket, type Packed } from "../../util/packet.ts"
import type { DoneTasks, TaskBatch, TaskEnd } from "../backend.ts"

/** Batches, what they need and what became of them, in bytes and back: what kernel and agent have in common. */

export type Said = Packed<AgentMessage>

/** Turns times of one clock into those of another: ServerClock in queue/server-clock.ts. */
type Clock = (ms: number) => number

export interface QueuedTask {
  readonly head: TaskMessage
  /** Undefined, or empty: they are at `head.inputsAt`. */
  readonly inputs: Encoded | undefined
  /** `head.carries`, by their keys. */
  readonly carried: ReadonlyMap<ContentKey, Sending>
}

export function encodeTask({ head, inputs, carried }: QueuedTask): Uint8Array {
  const contents = [...carried.values()].flatMap(({ message, parts }) => encodeFrame(message, parts))
  const parts = inputs === undefined ? [] : [inputs.bytes, ...inputs.blobs]
  return Buffer.concat([...encodeFrame({ ...head, carries: [...carried.keys()] }, parts), ...contents])
}

export function decodeTask(bytes: Uint8Array): QueuedTask & { readonly inputs: Encoded } {
  const [found, ...contents] = framesIn(bytes)
  if (found === undefined) throw new RangeError("a batch that is cut off")
  const head = found.head as TaskMessage
  const carried = new Map<ContentKey, Sending>()
  head.carries?.forEach((key, i) => {
    const content = contents[i]
    if (content === undefined) throw new RangeError("a batch that is cut off")
    carried.set(key, { message: content.head as ToWorker, parts: content.parts })
  })
  return { head, inputs: encodedOf(found.parts), carried }
}

export function encodeInputs({ bytes, blobs }: Encoded): Uint8Array {
  return Buffer.concat(encodeFrame({}, [bytes, ...blobs]))
}

export function decodeInputs(bytes: Uint8Array): Encoded {
  return encodedOf(framesIn(bytes)[0]?.parts ?? [])
}

export function encodeContent({ message, parts }: Sending): Uint8Array {
  return Buffer.concat(encodeFrame(message, parts))
}

export function decodeContent(bytes: Uint8Array): Sending {
  const [found] = framesIn(bytes)
  if (found === undefined) throw new RangeError("contents that are cut off")
  return { message: found.head as ToWorker, parts: found.parts }
}

/** A batch as the agent's own backend takes it, from what came. */
export function batchOf(
  head: TaskMessage,
  inputs: Encoded,
  contents: ReadonlyMap<ContentKey, Sending>,
): TaskBatch {
  let shipment: Omit<Shipment, "broadcasts"> | undefined
  let packages: PackageBundle | undefined
  let job: Extract<ToWorker, { type: "job" }> | undefined
  let extraArgs: Encoded | undefined
  const broadcasts: Shipment["broadcasts"][number][] = []
  for (const { message, parts } of contents.values()) {
    if (message.type === "broadcast") broadcasts.push({ hash: message.hash, encoded: encodedOf(parts) })
    else if (message.type === "packages")
      packages = { hash: message.hash, code: new TextDecoder().decode(parts[0]) }
    else if (message.type === "ship") {
      const { hash, code, resolveFrom, imports, origin } = message
      shipment = { hash, code, resolveFrom, imports, origin, data: encodedOf(parts) }
    } else if (message.type === "job") {
      job = message
      if (message.extra) extraArgs = encodedOf(parts)
    }
  }
  if (shipment === undefined || job === undefined) throw new TypeError("a batch without its function")
  const { jobId, indices, attempts, timeoutMs, memoryMiB } = head
  const { seed, env, storage } = job
  return {
    ...{ jobId, indices, attempts, timeoutMs, memoryMiB, inputs, seed, env, storage, packages, extraArgs },
    shipment: { ...shipment, broadcasts },
  }
}

/** @param clock Turns our times into those of the wire. */
export function saidDone(tasks: DoneTasks, clock: Clock): Said {
  const { worker, indices, results, startedAtMs, endedAtMs, measured, peakMemoryBytes = 0 } = tasks
  return {
    message: {
      type: "done",
      worker,
      count: indices.length,
      measured,
      peakMemoryBytes,
      segments: results.map(({ blobs }) => blobs.length),
    },
    parts: [
      bytesOf(indices),
      bytesOf(startedAtMs.map(clock)),
      bytesOf(endedAtMs.map(clock)),
      ...results.flatMap(({ bytes, blobs }) => [bytes, ...blobs]),
    ],
  }
}

/**
 * @param clock Turns times of the wire into ours.
 * @throws RangeError where its parts are not what it says.
 */
export function doneOf({ message, parts }: Said, clock: Clock): DoneTasks {
  if (message.type !== "done") throw new TypeError("no message of tasks that are done")
  const { worker, count, measured, peakMemoryBytes, segments } = message
  const [indices, startedAtMs, endedAtMs, ...rest] = parts
  if (
    indices?.byteLength !== 4 * count ||
    startedAtMs?.byteLength !== 8 * count ||
    endedAtMs?.byteLength !== 8 * count
  )
    throw new RangeError("results without their times")
  let at = 0
  const results = segments.map((blobs): Encoded => {
    const own = rest.slice(at, at + 1 + blobs)
    at += 1 + blobs
    if (own.length < 1 + blobs) throw new RangeError("results that are not there")
    return encodedOf(own)
  })
  return {
    worker,
    indices: new Uint32Array(indices.buffer, indices.byteOffset, count),
    startedAtMs: timesOf(startedAtMs).map(clock),
    endedAtMs: timesOf(endedAtMs).map(clock),
    results,
    measured,
    peakMemoryBytes,
  }
}

export function saidEnded(index: number, untimed: TaskEnd, clock: Clock): Said {
  const end = timed(untimed, clock)
  if (end.kind !== "threw") {
    const { kind, worker } = end
    const written: WrittenEnd =
      kind === "lost"
        ? { kind, worker, reason: end.reason, deaths: end.deaths }
        : { kind, worker, startedAtMs: end.startedAtMs }
    return { message: { type: "ended", index, end: written }, parts: [] }
  }
  const { error, ...rest } = end
  return {
    message: { type: "ended", index, end: { ...rest, error: error?.blobs.length } },
    parts: error === undefined ? [] : [error.bytes, ...error.blobs],
  }
}

/** @throws RangeError where its parts are not what it says. */
export function endOf({ message, parts }: Said, clock: Clock): TaskEnd {
  if (message.type !== "ended") throw new TypeError("no message of a task that ended")
  const end = timed(message.end, clock)
  if (end.kind !== "threw") return end
  const { error, ...rest } = end
  if (error !== undefined && parts.length !== 1 + error) throw new RangeError("an error that is not there")
  return { ...rest, error: error === undefined ? undefined : encodedOf(parts) }
}

export function encodeSaid(said: readonly Said[]): Uint8Array {
  return encodePacket(said)
}

/** @throws where the bytes are nothing that agents say. */
export function decodeSaid(bytes: Uint8Array): Said[] {
  return decodePacket(bytes, parseAgentMessage)
}

function timed<End extends TaskEnd | WrittenEnd>(end: End, clock: Clock): End {
  if (end.kind === "lost") return end
  const startedAtMs = clock(end.startedAtMs)
  return end.kind === "timedOut"
    ? { ...end, startedAtMs }
    : { ...end, startedAtMs, endedAtMs: clock(end.endedAtMs) }
}

function framesIn(bytes: Uint8Array): { head: unknown; parts: Uint8Array[] }[] {
  const frames: { head: unknown; parts: Uint8Array[] }[] = []
  new FrameReader((head, parts) => frames.push({ head, parts })).push(bytes)
  return frames
}

function encodedOf([bytes = new Uint8Array(0), ...blobs]: readonly Uint8Array[]): Encoded {
  return { bytes, blobs }
}

function timesOf({ buffer, byteOffset, byteLength }: Uint8Array): Float64Array {
  return new Float64Array(buffer, byteOffset, byteLength / 8)
}

function bytesOf({ buffer, byteOffset, byteLength }: Uint32Array | Float64Array): Uint8Array {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)
}
