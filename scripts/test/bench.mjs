import { availableParallelism, totalmem } from "node:os"
import { setUp } from "../setup/everything.mjs"
import { show } from "../util/run.mjs"
import { Refusal } from "../util/say.mjs"

const benchmarks = ["fan-out", "kernel", "capture", "startup", "grid", "lambda", "standalone"]

/**
 * Runs each benchmark that is named, or all, in a process of its own, one after the other. Options go to those that are
 * named, else to the first: fan-out takes `--peers all` and `--only SECTION`. Resolves with the exit code.
 */
export async function bench(words) {
  const at = words.findIndex((word) => word.startsWith("-"))
  const names = at === -1 ? words : words.slice(0, at)
  const options = at === -1 ? [] : words.slice(at)
  const unknown = names.find((name) => !benchmarks.includes(name))
  if (unknown !== undefined)
    throw new Refusal(`There is no benchmark "${unknown}": there are ${benchmarks.join(", ")}.`)
  await setUp("test")
  const memoryGiB = Math.round(totalmem() / 2 ** 30)
  console.log(`${availableParallelism()} cores, ${memoryGiB} GiB of memory, Node ${process.versions.node}`)
  let worst = 0
  for (const name of names.length > 0 ? names : benchmarks) {
    console.log("")
    const takesOptions = names.length > 0 || name === benchmarks[0]
    const command = ["--import=tsx", `test/bench/${name}.ts`, ...(takesOptions ? options : [])]
    worst = Math.max(worst, await show(process.execPath, command))
  }
  return worst
}
