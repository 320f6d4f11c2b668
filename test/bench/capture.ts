import { mkdtempSync, realpathSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { deserialize, serialize } from "node:v8"
import { parse } from "acorn"
import { capture, setCellBindings } from "../../kernel-ext/capture/capture.ts"
import { load } from "../../kernel-ext/capture/load.ts"
import { marksFor } from "../../kernel-ext/capture/marks.ts"
import { LocalhostExecutor } from "../../kernel-ext/index.ts"
import { createInterpreter } from "../../kernel-ext/kernel/cells.ts"
import type { Cell } from "../../kernel-ext/kernel/types.ts"

/**
 * What capture costs, beside what one would have without it, in the same run. Part of `npm run bench`. Numbers are
 * medians; the two sides of a ratio take turns, so that whatever else the machine does falls on both.
 */

const folder = realpathSync(mkdtempSync(join(tmpdir(), "cellfan-bench-")))
const interpreter = createInterpreter({ folder })
setCellBindings(interpreter.bindings)
const executor = new LocalhostExecutor({ workers: 2 })
let executionCount = 0

async function run(code: string): Promise<void> {
  executionCount++
  const nothing = () => {}
  const cell: Cell = {
    id: `bench-${executionCount}`,
    executionCount,
    silent: false,
    signal: new AbortController().signal,
    output: { stream: nothing, displayData: nothing, updateDisplayData: nothing, clearOutput: nothing },
  }
  const outcome = await interpreter.run(code, cell)
  if (outcome.status === "error") throw new Error(outcome.error.traceback.join("\n"))
}

function value<T>(name: string): T {
  const binding = interpreter.bindings.lookup(name)
  if (binding?.kind !== "value") throw new Error(`No cell declared ${name}`)
  return binding.value as T
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN
}

function timed(body: () => unknown): number {
  const startedAt = performance.now()
  body()
  return performance.now() - startedAt
}

async function timedAsync(body: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await body()
  return performance.now() - startedAt
}

const rows: (readonly [what: string, measured: string, goal: string])[] = []
const milliseconds = (ms: number) => `${ms.toFixed(ms < 1 ? 3 : 1)} ms`

async function smallFunctions(): Promise<void> {
  await run(
    "const scale = 3; const helper = (x: number) => x + scale; const again = (x: number) => helper(x) * scale",
  )
  capture(value("again"))
  const first: number[] = []
  for (let round = 0; round < 15; round++) {
    await run(`const fresh${round} = (x: number) => helper(x) * scale + ${round}`)
    first.push(timed(() => capture(value(`fresh${round}`))))
  }
  const repeated = Array.from({ length: 300 }, () => timed(() => capture(value("again"))))
  rows.push(["a small function, first", milliseconds(median(first)), "2 ms"])
  rows.push(["a small function, again", milliseconds(median(repeated)), "0.1 ms"])
}

async function objects(): Promise<void> {
  const many = Array.from({ length: 100_000 }, (_, id) => ({ id, name: `name ${id}`, x: id / 3 }))
  const captured = capture(value("again"))
  const loaded = load(captured.shipment)
  const ours = () => timed(() => loaded.codec.decode(captured.codec.encode(many, "input")))
  const v8s = () => timed(() => deserialize(serialize(many)))
  // Each leaves the other its garbage: they take turns in going first.
  const ratios = Array.from({ length: 30 }, (_, round) => {
    const [first, second] = round % 2 === 0 ? [ours(), v8s()] : [v8s(), ours()]
    return round % 2 === 0 ? first / second : second / first
  })
  const ratio = median(ratios)
  rows.push(["1e5 small objects, there, beside v8.serialize", `${ratio.toFixed(2)} ×`, "1.3 ×"])
}

/** Tasks of about 0.1 ms, as the shortest that are worth a worker. */
async function largeArray(): Promise<void> {
  await run(`
    const large = new Float64Array(6_250_000).fill(1.5)
    const spin = (n: number) => { let sum = 0; for (let i = 0; i < 100_000; i++) sum += Math.sqrt(i + n); return sum }
    const overNothing = (n: number) => spin(n)
    const overLarge = (n: number) => spin(n) + large[n]!
    const inputs1000 = Array.from({ length: 1000 }, (_, i) => i)`)
  const inputs = value<number[]>("inputs1000")
  type Fn = (n: number) => number
  const map = (fn: string) => timedAsync(async () => executor.map(value<Fn>(fn), inputs))
  const firstOver = await map("overLarge")
  await map("overNothing")
  const over: number[] = []
  const without: number[] = []
  for (let round = 0; round < 9; round++) {
    over.push(await map("overLarge"))
    without.push(await map("overNothing"))
  }
  const ratio = median(over) / median(without)
  rows.push(["1000 tasks over a captured 50 MB array, the first map", milliseconds(firstOver), "–"])
  rows.push(["… further maps, beside the same tasks over nothing", `${ratio.toFixed(2)} ×`, "1.5 ×"])
}

async function cells(): Promise<void> {
  const code =
    "function counter() { let n = 0; return { up: () => ++n, get: () => n } }\nconst c = counter(); c.up()"
  const whole: number[] = []
  for (let round = 0; round < 15; round++) whole.push(await timedAsync(() => run(code)))
  const javascript = parse(code.replace(/: number/g, ""), { ecmaVersion: "latest", sourceType: "module" })
  const marking = Array.from({ length: 200 }, () => timed(() => marksFor(javascript)))
  const share = (median(marking) / median(whole)) * 100
  rows.push(["of a cell's time, what makes it ready for capture", `${share.toFixed(2)} %`, "5 %"])
}

try {
  await smallFunctions()
  await objects()
  await largeArray()
  await cells()
  console.log("| Capture | measured | goal |\n|---|---|---|")
  for (const row of rows) console.log(`| ${row.join(" | ")} |`)
} finally {
  setCellBindings(undefined)
  await executor.close()
  await interpreter.close()
  rmSync(folder, { recursive: true, force: true })
}
