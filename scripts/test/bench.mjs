import { availableParallelism, totalmem } from "node:os"
import { setUp } from "../setup/everything.mjs"
import { show } from "../util/run.mjs"

const benchmarks = [
  "test/bench/fan-out.ts",
  "test/bench/kernel.ts",
  "test/bench/capture.ts",
  "test/bench/startup.ts",
  "test/bench/grid.ts",
  "test/bench/lambda.ts",
  "test/bench/standalone.ts",
]

/** Runs each benchmark in a process of its own, one after the other. Resolves with the exit code. */
export async function bench() {
  await setUp("test")
  const memoryGiB = Math.round(totalmem() / 2 ** 30)
  console.log(`${availableParallelism()} cores, ${memoryGiB} GiB of memory, Node ${process.versions.node}`)
  let worst = 0
  for (const file of benchmarks) {
    console.log("")
    worst = Math.max(worst, await show(process.execPath, ["--import=tsx", file]))
  }
  return worst
}
