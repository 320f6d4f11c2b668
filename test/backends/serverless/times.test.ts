import { expect } from "chai"
import type { DoneTasks } from "../../../kernel-ext/backends/backend.ts"
import { ServerlessRun } from "../../../kernel-ext/backends/serverless/run.ts"
import { capture } from "../../../kernel-ext/capture/capture.ts"

const limits = { requestBytes: 1e6, answerBytes: 1e6, timeoutMs: 900_000, memoryMiB: 10_240 }

/** What is told of one task that an instance says ran from `from` to `to`, milliseconds from now. */
function told(from: number, to: number): DoneTasks {
  const { shipment, codec } = capture((n: number) => n)
  let done: DoneTasks | undefined
  const ignore = () => {}
  const run = new ServerlessRun(
    {
      ...{ jobId: "j", shipment, seed: 0, env: {}, timeoutMs: undefined, memoryMiB: undefined },
      ...{ indices: Uint32Array.of(0), attempts: undefined, extraArgs: undefined },
      inputs: codec.encodeEach([1], () => "input"),
    },
    {
      ...{ started: ignore, log: ignore, progress: ignore, ended: ignore, returned: ignore, closed: ignore },
      done: (tasks) => {
        done = tasks
      },
    },
    { memoryMiB: 512, timeoutMs: 1000 },
    { firstPauseMs: 1, leftRunning: ignore, platform: { name: "x", title: "X", limits } },
  )
  run.called()
  const now = Date.now()
  const { bytes } = codec.encodeEach([1], () => "result")
  const report = {
    type: "report",
    batch: 1,
    from: 0,
    count: 1,
    failures: [],
    slow: [],
    peakMemoryBytes: 1,
    segments: [0],
  } as const
  run.hear(
    { message: report, parts: [new Uint8Array(Float64Array.of(now + from, now + to).buffer), bytes] },
    "w",
  )
  run.close()
  return done as DoneTasks
}

describe("Times of tasks on Lambda", () => {
  for (const [what, from, to] of [
    ["an hour behind", -3_600_000, -3_599_990],
    ["an hour ahead", 3_600_000, 3_600_010],
  ] as const)
    it(`are within their call where the instance's clock is ${what}`, () => {
      const { startedAtMs, endedAtMs } = told(from, to)
      expect(Math.abs((startedAtMs[0] ?? 0) - Date.now())).to.be.lessThan(100)
      expect((endedAtMs[0] ?? 0) - (startedAtMs[0] ?? 0)).to.be.closeTo(10, 0.01)
    })
})
