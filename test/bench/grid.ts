import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { LocalhostExecutor } from "../../kernel-ext/executors/localhost.ts"
import { jobMime, parseSavedJob } from "../../kernel-ext/protocol/job-view.ts"
import { LabPage, launchChromium } from "../browser/support/lab-page.ts"
import { writeNotebook } from "../browser/support/notebook-file.ts"
import { FrontEnd } from "../kernel/grid/front-end.ts"
import { startJupyter } from "../support/jupyter.ts"
import { findChromium } from "../support/needs.ts"

/**
 * What the grid costs: `node --import tsx test/bench/grid.ts [steady | opening | kernel]`. In the real JupyterLab with 100,000 tasks:
 * script time of a paint, long tasks, lost patches, bytes on the wire, memory, opening of saved grids; in the kernel: throughput with a
 * view and without.
 */

const setup = `import { LocalhostExecutor } from "cellfan"
const fexec = new LocalhostExecutor({ workers: 2 })`

/** Tasks of about 0.2 ms: some 10,000 a second on two cores. */
const steady = `const spin = (n: number) => {
  const until = performance.now() + 0.2
  while (performance.now() < until);
  if (n % 1000 === 77) throw new Error("one in a thousand")
}
await fexec.map(spin, Array.from({ length: 100_000 }, (_, n) => n)).settled()
"done"`

const tenGrids = Array.from(
  { length: 10 },
  () => `await fexec.map((n: number) => n, Array.from({ length: 10_000 }, (_, n) => n))
"done"`,
)

interface Samples {
  readonly paintsMs: number[]
}

/** Something the page did, in microseconds: how long it took, and what of that its thread ran. */
interface Step {
  readonly name: string
  readonly ts: number
  readonly dur?: number
  readonly tdur?: number
  readonly args?: { readonly data?: { readonly url?: string } }
}

const longMs = 50

const chromium = findChromium()
if (chromium === undefined)
  throw new Error("The benchmark of the grid needs Chromium: apt-get install chromium")
const [, , part] = process.argv
const rows: string[] = []
if (part === undefined || part === "steady" || part === "opening") await inTheBrowser(chromium)
if (part === undefined || part === "kernel") await inTheKernel()
console.log(["| the grid | measured | goal |", "|---|---|---|", ...rows].join("\n"))

function row(what: string, measured: string, goal: string): void {
  rows.push(`| ${what} | ${measured} | ${goal} |`)
}

async function inTheBrowser(executable: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cellfan-bench-"))
  const server = await startJupyter({ folder, args: ["--LabApp.expose_app_in_browser=True"] })
  const browser = await launchChromium(executable)
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
    await writeNotebook(folder, "steady.ipynb", [setup, steady])
    await writeNotebook(folder, "ten.ipynb", [setup, ...tenGrids])
    await writeNotebook(folder, "none.ipynb", [setup, ...tenGrids])
    if (part !== "opening") {
      const lab = await LabPage.open({ context, server }, "steady.ipynb")
      await measureSteady(lab)
      await lab.close()
    }
    if (part === "steady") return
    const grids = await LabPage.open({ context, server }, "ten.ipynb")
    const none = await LabPage.open({ context, server }, "none.ipynb")
    await measureOpening(grids, none)
  } finally {
    await browser.close()
    await server.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function measureSteady(lab: LabPage): Promise<void> {
  let bytes = 0
  lab.page.on("websocket", (socket) =>
    socket.on("framereceived", ({ payload }) => {
      if (payload.includes("comm_msg")) bytes += payload.length
    }),
  )
  // The socket of a page that is open already is not told of.
  await lab.reload()
  await lab.runAll()
  await lab.job(({ counts, liveness }) => liveness === "live" && (counts.done ?? 0) > 1000, 60_000)
  await lab.page.evaluate(collect)
  const trace = await traceSteps(lab)
  const [begunMs, begunBytes] = [Date.now(), bytes]
  await lab.job(({ status }) => status === "failed", 120_000)
  const seconds = (Date.now() - begunMs) / 1000
  const steps = await trace()
  const long = steps.filter(({ name, dur = 0 }) => name.endsWith("RunTask") && dur > longMs * 1000)
  const paintsRanMs = paintsIn(steps)
  const { paintsMs } = await lab.page.evaluate(() => (globalThis as unknown as { samples: Samples }).samples)
  const [patches, gaps] = await lab.page.evaluate(() => {
    const data = document.querySelector<HTMLElement>(".jp-OutputArea-output .cellfan-Job")?.dataset
    return [Number(data?.patches), Number(data?.gaps)]
  })
  const ranMs = long.map(({ tdur = 0 }) => tdur / 1000)
  const ranLong = ranMs.filter((ms) => ms > longMs).length
  console.log(
    `100,000 tasks in ${seconds.toFixed(1)} s, ${paintsRanMs.length} paints: ran ${spread(paintsRanMs)} ms, by the clock ${spread(paintsMs)} ms; turns over ${longMs} ms by the clock: ${long.length}, the longest ran ${Math.max(0, ...ranMs).toFixed(0)} ms`,
  )
  row(
    "script time of a paint of 100 000 tasks with its words, at 10 updates a second",
    `${median(paintsRanMs).toFixed(1)} ms`,
    "2 ms",
  )
  row("updates lost", `${gaps} of ${patches}`, "0")
  row("turns of the page that ran over 50 ms", String(ranLong), "0")
  row("sent to the page", `${((bytes - begunBytes) / 1000 / seconds).toFixed(0)} kB/s`, "64 kB/s")
  await measureMemory(lab)
}

/** What the page holds for the grid of 100,000 tasks, and what it gives back when the output is cleared. */
async function measureMemory(lab: LabPage): Promise<void> {
  await lab.idle()
  const shown = await lab.heapBytes()
  await lab.command("notebook:clear-all-cell-outputs")
  await lab.page.waitForFunction(() => document.querySelector(".jp-OutputArea-output") === null)
  await lab.page.waitForTimeout(1000)
  const freed = shown - (await lab.heapBytes())
  row("memory given back when its output is cleared", `${(freed / 1e6).toFixed(1)} MB`, "what it took")
}

/** Runs in the page: keeps what each paint and each long task took. */
function collect(): void {
  const samples: Samples = { paintsMs: [] }
  ;(globalThis as unknown as { samples: Samples }).samples = samples
  const job = document.querySelector<HTMLElement>(".jp-OutputArea-output .cellfan-Job")
  if (job === null) throw new Error("No job on the page")
  new MutationObserver(() => samples.paintsMs.push(Number(job.dataset.paintMs))).observe(job, {
    attributeFilter: ["data-paint-ms"],
  })
}

/** On a busy machine a turn may take long and run little: the rest of the time it waits for a processor. */
async function traceSteps(lab: LabPage): Promise<() => Promise<Step[]>> {
  const session = await lab.page.context().newCDPSession(lab.page)
  const events: Step[] = []
  session.on("Tracing.dataCollected", ({ value }) => {
    for (const event of value as unknown as Step[])
      if (/RunTask$|^FireAnimationFrame$|^FunctionCall$/.test(event.name)) events.push(event)
  })
  await session.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: { includedCategories: ["toplevel", "devtools.timeline"] },
  })
  return async () => {
    const complete = new Promise<void>((resolve) => session.once("Tracing.tracingComplete", () => resolve()))
    await session.send("Tracing.end")
    await complete
    await session.detach()
    return events
  }
}

/** Our script in each frame of the browser's in which we had some, in ms that the thread ran. */
function paintsIn(steps: readonly Step[]): number[] {
  const ours = steps.filter(
    ({ name, args }) => name === "FunctionCall" && args?.data?.url?.includes("/cellfan-lab/"),
  )
  const frames = steps.filter(({ name }) => name === "FireAnimationFrame")
  const ranMs = frames.map(({ ts, dur = 0 }) =>
    ours
      .filter((step) => step.ts >= ts && step.ts <= ts + dur)
      .reduce((sum, { tdur = 0 }) => sum + tdur / 1000, 0),
  )
  return ranMs.filter((ms) => ms > 0)
}

/** From the request for the page to the last cell's output, with ten grids and in a notebook without outputs, in turns. */
async function measureOpening(grids: LabPage, none: LabPage): Promise<void> {
  await grids.runAll()
  await grids.page.waitForFunction(
    () => document.querySelectorAll('.jp-OutputArea-output .cellfan-Job[data-status="done"]').length === 10,
    undefined,
    { timeout: 120_000 },
  )
  await grids.idle()
  await grids.save()
  const open = async (lab: LabPage, wanted: number) => {
    await lab.page.bringToFront()
    const begunMs = Date.now()
    await lab.page.reload()
    await lab.page.waitForFunction(
      (count) =>
        document.querySelectorAll(".jp-Notebook-cell").length === 11 &&
        document.querySelectorAll(".jp-OutputArea-output .cellfan-Job").length === count,
      wanted,
    )
    const takenMs = Date.now() - begunMs
    await lab.ready()
    return takenMs
  }
  const pairs = []
  for (let at = 0; at < 7; at++) pairs.push([await open(grids, 10), await open(none, 0)] as const)
  const withGrids = pairs.map(([ms]) => ms)
  const without = pairs.map(([, ms]) => ms)
  console.log(
    `opening ten grids of 10,000: ${spread(withGrids)} ms, a notebook without outputs ${spread(without)} ms`,
  )
  const more = median(withGrids) - median(without)
  row("opening ten finished grids of 10 000, more than without", `${more.toFixed(0)} ms`, "300 ms")
}

/** Tasks of 20 µs that run for seconds, as a reader would watch; and no-ops, over before the first update. */
async function inTheKernel(): Promise<void> {
  const executor = new LocalhostExecutor({ workers: 2 })
  const spin = (n: number) => {
    const until = performance.now() + 0.02
    while (performance.now() < until);
    return n
  }
  await compare(executor, spin, "throughput of 100 000 tasks of 20 µs with a view, beside none", 9, "0.95×")
  const noOp = (n: number) => n
  await compare(executor, noOp, "of 100 000 no-ops, with a view that comes and goes", 25, "0.95×")
  await compare(
    executor,
    noOp,
    "the same, where all garbage is collected before each run",
    25,
    "0.95×",
    collectGarbage,
  )
  await executor.close()
}

async function compare(
  executor: LocalhostExecutor,
  work: (n: number) => number,
  what: string,
  pairsWanted: number,
  goal: string,
  prepare = () => {},
): Promise<void> {
  const inputs = Array.from({ length: 100_000 }, (_, n) => n)
  const once = async () => {
    prepare()
    const begun = performance.now()
    await executor.map(work, inputs)
    return performance.now() - begun
  }
  const watched = async () => {
    const frontEnd = new FrontEnd()
    try {
      return await frontEnd.cell(async () => {
        const taken = once()
        const saved = parseSavedJob(frontEnd.outputs[0]?.bundle.data[jobMime])
        frontEnd.open({ job: saved?.id })
        return await taken
      })
    } finally {
      frontEnd.detach()
    }
  }
  await once()
  const pairs = []
  for (let at = 0; at < pairsWanted; at++) pairs.push([await once(), await watched()] as const)
  const plain = pairs.map(([one]) => one)
  const seen = pairs.map(([, one]) => one)
  console.log(`${what}: ${spread(plain)} ms without, ${spread(seen)} ms with`)
  row(what, `${(median(plain) / median(seen)).toFixed(2)}×`, goal)
}

/** What V8 compiled for a job that is gone goes with it. */
function collectGarbage(): void {
  setFlagsFromString("--expose-gc")
  runInNewContext("gc")()
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function spread(values: readonly number[]): string {
  const worst = Math.max(...values)
  return `median ${median(values).toFixed(2)}, most ${worst.toFixed(2)}`
}
