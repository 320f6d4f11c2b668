import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { pythonPeers } from "./fan-out/python.ts"
import { mixed, tasks, workers } from "./fan-out/tasks.mjs"

/**
 * How fast work fans out to two local workers, beside what else one could use, in the same run.
 * Part of `npm run bench`; `--peers all` adds Python's, where they are installed.
 *
 *     fan-out/tasks.mjs   the tasks
 *     fan-out/pools.mjs   the peers; grid-view.ts: what watches cellfan's jobs, as in a notebook
 *     fan-out/peer.mjs    one peer in a process of its own; worker.mjs, workerpool.mjs, fork.mjs, socket.mjs: its workers
 *     fan-out/python.ts   Python's pools
 *
 * Peers take turns, so that whatever else the machine does falls on all of them; numbers are medians.
 */

const { values: flags } = parseArgs({
  options: { peers: { type: "string", default: "node" }, only: { type: "string" } },
})

const node = ["cellfan", "piscina", "tinypool processes", "workerpool processes", "bare fork, batched"]

interface Sample {
  readonly ms: number
  readonly heapBytes: number
}

interface Work {
  readonly work: string
  readonly size: number
  readonly rounds: number
  readonly cold?: boolean
  /** Whether the heap is measured, too. */
  readonly heap?: boolean
  /** Rounds before those that count: pools start, functions get compiled. Default: 1. */
  readonly warmUp?: number
}

const open = new Map<string, ChildProcess>()

async function launch(peer: string): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL("fan-out/peer.mjs", import.meta.url)), [peer], {
    execArgv: ["--expose-gc"],
  })
  await once(child, "message")
  return child
}

async function sample(peer: string, { work, size, cold, heap }: Work): Promise<Sample> {
  let child = cold ? undefined : open.get(peer)
  if (child === undefined) child = await launch(peer)
  if (!cold) open.set(peer, child)
  child.send({ work, size, cold, heap })
  const [result] = (await once(child, "message")) as [Sample]
  if (cold) {
    child.disconnect()
    await once(child, "exit")
  }
  return result
}

async function measure(peers: readonly string[], work: Work): Promise<Map<string, Sample[]>> {
  const samples = new Map<string, Sample[]>(peers.map((peer) => [peer, []]))
  const warmUp = work.cold ? 0 : (work.warmUp ?? 1)
  for (let round = 1 - warmUp; round <= work.rounds; round++)
    for (const peer of peers) {
      const one = await sample(peer, work)
      if (round > 0) samples.get(peer)?.push(one)
    }
  return samples
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function msOf(samples: Map<string, Sample[]>, peer: string): number {
  return median((samples.get(peer) ?? []).map(({ ms }) => ms))
}

function cell(ms: number, ours: number, isOurs: boolean): string {
  const time = ms < 10 ? ms.toFixed(2) : ms.toFixed(0)
  return isOurs ? time : `${time} (${(ms / ours).toFixed(ms / ours < 10 ? 2 : 0)}×)`
}

async function table(
  title: string,
  peers: readonly string[],
  rows: readonly (Work & { label: string })[],
): Promise<void> {
  console.log(`| ${title}, ms | ${peers.join(" | ")} |`)
  console.log(`|---|${peers.map(() => "---|").join("")}`)
  for (const row of rows) {
    const samples = await measure(peers, row)
    const ours = msOf(samples, "cellfan")
    console.log(
      `| ${row.label} | ${peers.map((p) => cell(msOf(samples, p), ours, p === "cellfan")).join(" | ")} |`,
    )
  }
  console.log("")
}

const sections: Record<string, () => Promise<void>> = {
  async noop() {
    await table("no-op tasks, warm (× = how much longer than cellfan)", node, [
      { label: "1 task", work: "noop", size: 1, rounds: 200, warmUp: 200 },
      { label: "100 tasks", work: "noop", size: 100, rounds: 60 },
      { label: "1 000 tasks", work: "noop", size: 1000, rounds: 30 },
      { label: "10 000 tasks", work: "noop", size: 10_000, rounds: 11 },
    ])
  },

  async cold() {
    await table("first map of a process, from making the pool", node, [
      { label: "1 task", work: "noop", size: 1, rounds: 7, cold: true },
      { label: "100 tasks", work: "noop", size: 100, rounds: 7, cold: true },
      { label: "1 000 tasks", work: "noop", size: 1000, rounds: 7, cold: true },
      { label: "10 000 tasks", work: "noop", size: 10_000, rounds: 7, cold: true },
    ])
  },

  async payload() {
    const rows = [{ label: "16 × 8 MB each way", work: "payload", size: 16, rounds: 7 }]
    // tinypool's processes speak JSON, which typed arrays do not survive.
    const binary = [
      "cellfan",
      "raw sockets",
      "bare fork, batched",
      "workerpool processes",
      "cellfan, threads",
      "piscina",
    ]
    await table("large inputs and results", binary, rows)
  },

  /**
   * How near to the best possible. For processors: each process runs its half in a plain loop, which on a machine with other
   * things to do takes longer than the tasks' times say. For tasks that hold their worker: list scheduling.
   */
  async schedule() {
    console.log(
      "| tasks on two workers | ideal, ms | cellfan, ms | over ideal | bare fork, ms | over ideal |",
    )
    console.log("|---|---|---|---|---|---|")
    const cpu = { work: "cpu", size: await roundsOf(10), rounds: 5 }
    const samples = await measure(["plain loops", "cellfan", "bare fork, batched"], cpu)
    overIdeal("200 × 10 ms of CPU", msOf(samples, "plain loops"), samples)
    const mix = { work: "hold", size: 120, rounds: 3 }
    overIdeal(
      "120 tasks of 1 ms to 1 s, mixed",
      listScheduling(mixed(120)),
      await measure(["cellfan", "bare fork, batched"], mix),
    )
    console.log("")
  },

  /** Whether a job's memory and rate hold at a hundred times the size. */
  async million() {
    console.log("| no-op tasks, one map | took, ms | tasks per second | heap afterwards, MB |")
    console.log("|---|---|---|---|")
    for (const [size, rounds] of [
      [10_000, 11],
      [1_000_000, 3],
    ] as const) {
      const samples =
        (await measure(["cellfan"], { work: "noop", size, rounds, heap: true })).get("cellfan") ?? []
      const ms = median(samples.map((one) => one.ms))
      const heap = median(samples.map((one) => one.heapBytes)) / 1e6
      console.log(
        `| ${size.toLocaleString("en")} | ${ms.toFixed(0)} | ${Math.round((1000 * size) / ms).toLocaleString("en")} | ${heap.toFixed(1)} |`,
      )
    }
    console.log("")
  },
}

/** Rounds of the cpu task that take about `ms` in this process. */
async function roundsOf(ms: number): Promise<number> {
  const probe = 2_000_000
  return Math.round((probe * ms) / (await alone(probe)))
}

/** How long one cpu task takes here, at best. */
async function alone(rounds: number): Promise<number> {
  const times = Array.from({ length: 20 }, () => {
    const begin = performance.now()
    tasks.cpu(rounds)
    return performance.now() - begin
  })
  return Math.min(...times)
}

/** How long the durations take when each goes to whichever worker is free first. */
function listScheduling(durations: readonly number[]): number {
  const free = new Array<number>(workers).fill(0)
  for (const duration of durations) {
    const next = free.indexOf(Math.min(...free))
    free[next] = (free[next] ?? 0) + duration
  }
  return Math.max(...free)
}

function overIdeal(label: string, idealMs: number, samples: Map<string, Sample[]>): void {
  const columns = ["cellfan", "bare fork, batched"].map((peer) => {
    const took = msOf(samples, peer)
    return `${took.toFixed(0)} | ${((100 * took) / idealMs - 100).toFixed(1)} %`
  })
  console.log(`| ${label} | ${idealMs.toFixed(0)} | ${columns.join(" | ")} |`)
}

for (const [name, run] of Object.entries(sections))
  if (flags.only === undefined || flags.only === name) await run()
if (flags.peers === "all") await pythonPeers()
for (const child of open.values()) child.disconnect()
