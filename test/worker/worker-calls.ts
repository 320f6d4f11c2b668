import { setTimeout as sleep } from "node:timers/promises"
import { sendingsOf } from "../../kernel-ext/backends/sendings.ts"
import type { Captured } from "../../kernel-ext/capture/types.ts"
import type { AnswerBlock, InvocationEvent, Said } from "../../kernel-ext/protocol/invocation.ts"
import type { Sending } from "../../kernel-ext/protocol/worker.ts"
import { BlockReader } from "../../kernel-ext/util/blocks.ts"
import { encodeFrame } from "../../kernel-ext/util/frames.ts"
import type { ContainerInstance } from "../support/servers/container-instance.ts"

/** Calls of a worker that takes them by HTTP, as the host makes them. */

/** What workers of tests take. */
export const token = "a secret of the test"

export interface Answered {
  readonly results: unknown[]
  readonly environment: string
  readonly end: AnswerBlock["end"]
}

export interface CallOptions {
  readonly hear?: (block: AnswerBlock) => void
  readonly signal?: AbortSignal
}

let jobs = 0

export async function call(
  { url }: ContainerInstance,
  captured: Captured,
  inputs: readonly unknown[],
  { hear, signal }: CallOptions = {},
): Promise<Answered> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "x-cellfan-token": token },
    body: JSON.stringify(eventOf(captured, inputs)),
    ...(signal !== undefined && { signal }),
  })
  if (answer.status !== 200)
    throw new Error(`${answer.status} ${((await answer.json()) as { error: string }).error}`)
  const said: Said[] = []
  let last: AnswerBlock | undefined
  const reader = new BlockReader(1e9, (block) => {
    hear?.(block)
    said.push(...block.said)
    last = block
  })
  for await (const chunk of answer.body ?? []) reader.push(chunk)
  return {
    results: said.flatMap((one) => resultsOf(captured, one)),
    environment: last?.environment ?? "",
    end: last?.end,
  }
}

function eventOf(captured: Captured, inputs: readonly unknown[]): InvocationEvent {
  const jobId = `job-${jobs++}`
  const { contents, run } = sendingsOf({
    ...{ jobId, shipment: captured.shipment, seed: 0, env: {}, timeoutMs: undefined, memoryMiB: undefined },
    ...{ indices: Uint32Array.from(inputs.keys()), attempts: undefined, extraArgs: undefined },
    inputs: captured.codec.encodeEach(inputs, (i) => `inputs[${i}]`),
  })
  const frames = [...contents.values(), run].flatMap(({ message, parts }: Sending) =>
    encodeFrame(message, parts),
  )
  return { cellfan: 1, jobId, needs: [...contents.keys()], body: Buffer.concat(frames).toString("base64") }
}

function resultsOf({ untrusted }: Captured, { message, parts }: Said): unknown[] {
  if (message.type !== "report" || message.segments.length === 0) return []
  const [, bytes = new Uint8Array(), ...blobs] = parts
  return untrusted.decodeEach({ bytes, blobs })
}

export async function untilRunning({ url }: ContainerInstance, running: number): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end; await sleep(10)) {
    const { running: now } = (await (await fetch(`${url}/health`)).json()) as { running: number }
    if (now === running) return
  }
  throw new Error(`There were never ${running} calls at once.`)
}

/** Many calls at once from many callers, again where a worker refuses. Returns what was wrong, and how many were refused. */
export async function callUnderLoad(
  worker: ContainerInstance,
  echo: Captured,
  { callers, each }: { callers: number; each: number },
): Promise<{ readonly wrong: readonly unknown[]; readonly refused: number }> {
  const wrong: unknown[] = []
  let refused = 0
  const callOnce = async (n: number) => {
    for (;;) {
      const got = await call(worker, echo, [n]).catch((error: Error) => error.message)
      if (typeof got !== "string") {
        if (got.results.length !== 1 || got.results[0] !== n) wrong.push([n, got.results])
        return
      }
      if (!got.startsWith("429")) wrong.push(got)
      refused++
      await sleep(2)
    }
  }
  const run = async (caller: number) => {
    for (let at = 0; at < each; at++) await callOnce(caller * each + at)
  }
  await Promise.all(Array.from({ length: callers }, (_, caller) => run(caller)))
  return { wrong, refused }
}
