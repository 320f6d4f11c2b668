import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { mixed } from "./fan-out/tasks.mjs"
import { measurePython } from "./fan-out/python.ts"

/**
 * How fast work fans out to two local workers, beside what else one could use, in the same run.
 * Part of `npm run bench`; `--peers all` adds Python's, where they are installed.
 *
 *     fan-out/tasks.mjs   the tasks
 *     fan-out/pools.mjs   the peers
 *     fan-out/peer.mjs    one peer in a process of its own; worker.mjs, workerpool.mjs, fork.mjs: its workers
 *
 * Peers take turns, so that whatever else the machine does falls on all of them; numbers are medians.
 */

const { values: flags } = parseArgs({ options: { peers: { type: "string", default: "node" }, only: { type: "string" } } })

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
}

const open = new Map<string, ChildProcess>()

async function launch(peer: string): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL("fan-out/peer.mjs", import.meta.url)), [peer], {
    execArgv: ["--expose-gc"],
  })
  await once(child, "message")
  return child
}

async function sample(peer: string, { work, size, cold }: Work): Promise<Sample> {
  let child = cold ? undefined : open.get(peer)
  if (child === undefined) child = await launch(peer)
  if (!cold) open.set(peer, child)
  child.send({ work, size, cold })
  const [result] = (await once(child, "message")) as [Sample]
  if (cold) {
    child.disconnect()
    await once(child, "exit")
  }
  return result
}

async function measure(peers: readonly string[], work: Work): Promise<Map<string, Sample[]>> {
  const samples = new Map<string, Sample[]>(peers.map((peer) => [peer, []]))
  // The first round warms up: pools start, functions get compiled.
  for (let round = work.cold ? 1 : 0; round <= work.rounds; round++)
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

async function table(title: string, peers: readonly string[], rows: readonly (Work & { label: string })[]): Promise<void> {
  console.log(`| ${title}, ms | ${peers.join(" | ")} |`)
  console.log(`|---|${peers.map(() => "---|").join("")}`)
  for (const row of rows) {
    const samples = await measure(peers, row)
    const ours = msOf(samples, "cellfan")
    console.log(`| ${row.label} | ${peers.map((p) => cell(msOf(samples, p), ours, p === "cellfan")).join(" | ")} |`)
  }
  console.log("")
}

const sections: Record<string, () => Promise<void>> = {
  async noop() {
    await table("no-op tasks, warm (× = how much longer than cellfan)", node, [
      { label: "1 task", work: "noop", size: 1, rounds: 200 },
      { label: "100 tasks", work: "noop", size: 100, rounds: 60 },
      { label: "1 000 tasks", work: "noop", size: 1000, rounds: 30 },
      { label: "10 000 tasks", work: "noop", size: 10_000, rounds: 11 },
    ])
  },
  async cold() {
    await table("first map of a process, from making the pool", node, [
      { label: "1 task", work: "noop", size: 1, rounds: 7, cold: true },
      { label: "100 tasks", work: "noop", size: 100, rounds: 7, cold: true },
    ])
  },
}

for (const [name, run] of Object.entries(sections)) if (flags.only === undefined || flags.only === name) await run()
if (flags.peers === "all") await measurePython()
void mixed
for (const child of open.values()) child.disconnect()
