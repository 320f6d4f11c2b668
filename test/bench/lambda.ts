import { performance } from "node:perf_hooks"
import { parseArgs } from "node:util"
import { openLambda } from "../../kernel-ext/backends/lambda/sdk.ts"
import type { ServerlessBackend } from "../../kernel-ext/backends/serverless/serverless.ts"
import { Executor } from "../../kernel-ext/executors/executor.ts"
import { lambdaAt } from "../support/servers/lambda-backend.ts"
import { bareCode } from "../support/servers/lambda-code.ts"
import { ministack, startMinistack } from "../support/servers/ministack.ts"
import { floorSeconds, simulate } from "./lambda/scaling.ts"

/**
 * What a map costs over calling the same function with Amazon's SDK alone, on an emulator, in one process and in turns;
 * and how long it takes until so many tasks run at once, by a simulation of Lambda's published scaling (lambda/scaling.ts).
 */

const { values: flags } = parseArgs({ options: { rounds: { type: "string", default: "3" } } })
const concurrency = 4
const size = 500

class BenchExecutor extends Executor {
  constructor(backend: ServerlessBackend) {
    super(backend)
  }
}

/** `count` calls that do nothing, so many at a time: what a caller without cellfan would write. */
async function bare(call: () => Promise<unknown>, count: number): Promise<void> {
  let left = count
  const lane = async () => {
    while (left-- > 0) await call()
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, lane))
}

async function timeOf(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  await work()
  return performance.now() - from
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

async function measure(): Promise<void> {
  const command = ministack.find()
  if (command === undefined) throw new Error(`Missing: ${ministack.what}`)
  const server = await startMinistack(command)
  const backend = lambdaAt(server.url, { workers: concurrency, code: bareCode() })
  const fexec = new BenchExecutor(backend)
  try {
    await fexec.callAsync((n: number) => n, 1)
    const name = (await backend.list()).functions[0]?.name ?? ""
    const { InvokeCommand } = await import("@aws-sdk/client-lambda")
    const keys = () => ({ accessKeyId: "test", secretAccessKey: "test" })
    const client = await openLambda({ region: "us-east-1", endpoint: server.url, keys }, concurrency, 60_000)
    // The same function; it says that it does not understand, which is the least it can do.
    const Payload = Buffer.from('{"cellfan":0}')
    const call = () => client.send(new InvokeCommand({ FunctionName: name, Payload }))
    const noop = (n: number) => n
    const inputs = Array.from({ length: size }, (_, i) => i)
    const works = {
      [`${size} tasks, a call each`]: [
        () => bare(call, size),
        () => fexec.map(noop, inputs, { chunkSize: 1 }),
      ],
      [`${size} tasks, as many in a call as adapts`]: [() => bare(call, size), () => fexec.map(noop, inputs)],
      "one task": [() => bare(call, 1), () => fexec.callAsync(noop, 1)],
    } as const
    console.log(
      `| on an emulator, ${concurrency} calls at once | SDK alone, ms | cellfan, ms | ratio |\n|---|---|---|---|`,
    )
    for (const [what, [peer, ours]] of Object.entries(works)) {
      const samples = { peer: [] as number[], ours: [] as number[] }
      const rounds = Number(flags.rounds) * (what === "one task" ? 5 : 1)
      for (let round = -1; round < rounds; round++) {
        const [a, b] = [await timeOf(peer), await timeOf(async () => await ours())]
        if (round < 0) continue
        samples.peer.push(a)
        samples.ours.push(b)
      }
      const [a, b] = [median(samples.peer), median(samples.ours)]
      console.log(`| ${what} | ${a.toFixed(1)} | ${b.toFixed(1)} | ${(b / a).toFixed(2)} |`)
    }
    client.destroy()
  } finally {
    await fexec.close()
    await server.stop()
  }
}

function simulateScaling(): void {
  console.log(
    "\n| simulated: tasks at once | shards | reached after, s | floor by Lambda's rates, s | throttled calls |\n|---|---|---|---|---|",
  )
  for (const [target, shards] of [
    [1000, 1],
    [5000, 1],
    [5000, 5],
    [10_000, 1],
    [10_000, 10],
  ] as const) {
    const { seconds, throttled } = simulate(target, shards)
    const floor = floorSeconds(target, shards)
    console.log(`| ${target} | ${shards} | ${seconds.toFixed(2)} | ${floor.toFixed(2)} | ${throttled} |`)
  }
}

await measure()
simulateScaling()
