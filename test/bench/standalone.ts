import { fork } from "node:child_process"
import { once } from "node:events"
import { performance } from "node:perf_hooks"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { standalone } from "../../kernel-ext/executors/standalone.ts"
import { StandaloneExecutor } from "../../kernel-ext/index.ts"
import { TestAgent } from "../support/servers/agents.ts"
import { NatsServer, natsServer } from "../support/servers/nats.ts"
import { sshHosts } from "../support/servers/ssh-hosts.ts"
import { BarePipeline } from "./standalone/pipeline.ts"
import { folderMiB, Peak, processorSeconds, residentMiB } from "./standalone/usage.ts"

/**
 * What machines behind a queue cost: part of `npm run bench`; `--only noop`, `million`, `agents` or `hosts`. The server is one that keeps on
 * its disk what it accepts before it says so, as those are that cellfan starts.
 *
 *     standalone/pipeline.ts     a peer: NATS alone, in turns with cellfan, on the same server; consumer.mjs is its far end
 *     standalone/idle-agents.ts  a thousand agents
 *     standalone/usage.ts        memory, processor time and disk of other processes
 */

const { values: flags } = parseArgs({ options: { only: { type: "string" } } })

const noop = (n: number) => n
const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN
}

async function timeOf(work: () => PromiseLike<unknown>): Promise<number> {
  const from = performance.now()
  await work()
  return performance.now() - from
}

/** A server, two agents of a worker each, and an executor over them. */
async function withAgents(
  work: (fexec: StandaloneExecutor, server: NatsServer) => Promise<void>,
): Promise<void> {
  const server = await startServer()
  const agents = await Promise.all(
    ["a", "b"].map((host) => TestAgent.start(server.url, { host, workers: 1 })),
  )
  const fexec = new StandaloneExecutor({ nats: [server.url], pool: "test" })
  try {
    await work(fexec, server)
  } finally {
    await fexec.close()
    for (const agent of agents) await agent.stop()
    await server.stop()
  }
}

function startServer(): Promise<NatsServer> {
  const command = natsServer.find()
  if (command === undefined) throw new Error(`Missing: ${natsServer.what}`)
  return NatsServer.start(command)
}

const sections: Record<string, () => Promise<void>> = {
  async noop() {
    console.log(
      "| no-op tasks over two agents, warm | cellfan, ms | NATS alone, ms | rate beside it | goal |",
    )
    console.log("|---|---|---|---|---|")
    await withAgents(async (fexec, { url }) => {
      const bare = await BarePipeline.start(url)
      const row = async (label: string, count: number, batch: number, rounds: number, goal: string) => {
        const samples: [number[], number[]] = [[], []]
        for (let round = -5; round < rounds; round++) {
          const ours = await timeOf(() => fexec.map(noop, upTo(count)))
          const theirs = await timeOf(() => bare.map(count, batch))
          if (round < 0) continue
          samples[0].push(ours)
          samples[1].push(theirs)
        }
        const [ours, theirs] = samples.map(median) as [number, number]
        console.log(
          `| ${label} | ${ours.toFixed(1)} | ${theirs.toFixed(1)} | ${(theirs / ours).toFixed(2)}× | ${goal} |`,
        )
      }
      await row("1 task", 1, 1, 100, "10 ms")
      await row("10 000, peer: 64 a message", 10_000, 64, 11, "0.6×")
      await row("10 000, peer: 500 a message", 10_000, 500, 11, "0.6×")
      await row("10 000, peer: 2 000 a message", 10_000, 2000, 11, "–")
      await bare.stop()
    })
    console.log("")
  },

  /** Whether memory holds at a hundred times the size. */
  async million() {
    console.log(
      "| no-op tasks, one map over two agents | took, s | tasks per second | kernel, most MiB | nats-server, most MiB | its disk, most MiB |",
    )
    console.log("|---|---|---|---|---|---|")
    await withAgents(async (fexec, server) => {
      await fexec.map(noop, upTo(10_000))
      for (const size of [10_000, 100_000, 1_000_000]) {
        const inputs = upTo(size)
        const peak = new Peak({
          kernel: () => residentMiB(process.pid),
          server: () => residentMiB(server.pid),
          disk: () => folderMiB(server.folder),
        })
        let results: readonly number[] = []
        const ms = await timeOf(async () => {
          results = await fexec.map(noop, inputs)
        })
        if (results.length !== size || results.some((result, i) => result !== i))
          throw new Error("Results are not what they should be.")
        const { kernel = 0, server: head = 0, disk = 0 } = peak.stop()
        const rate = Math.round((1000 * size) / ms).toLocaleString("en")
        const most = [kernel, head, disk].map((value) => value.toFixed(0)).join(" | ")
        console.log(`| ${size.toLocaleString("en")} | ${(ms / 1000).toFixed(2)} | ${rate} | ${most} |`)
      }
    })
    console.log("")
  },

  /** Agents that have nothing to do, and what a task takes among them. */
  async agents() {
    const count = 1000
    const server = await startServer()
    const aloneMiB = residentMiB(server.pid)
    const began = performance.now()
    const program = fileURLToPath(new URL("standalone/idle-agents.ts", import.meta.url))
    const child = fork(program, [server.url, String(count)], { execArgv: ["--import=tsx"] })
    const agent = await TestAgent.start(server.url, { host: "a", workers: 1 })
    const fexec = new StandaloneExecutor({ nats: [server.url], pool: "test" })
    try {
      await once(child, "message")
      const readyMs = performance.now() - began
      await sleep(25_000)
      const memory = residentMiB(server.pid) - aloneMiB
      const before = processorSeconds(server.pid)
      await sleep(20_000)
      const processor = (processorSeconds(server.pid) - before) / 20
      for (let i = 0; i < 20; i++) await fexec.map(noop, [i])
      const times: number[] = []
      for (let i = 0; i < 60; i++) times.push(await timeOf(() => fexec.map(noop, [i])))
      console.log(`| ${count} idle agents on one server | |`)
      console.log("|---|---|")
      console.log(`| all connected after | ${(readyMs / 1000).toFixed(1)} s |`)
      console.log(`| memory of the server, beyond what it has without them | ${memory.toFixed(0)} MiB |`)
      console.log(`| processor time of the server | ${(100 * processor).toFixed(1)} % of a core |`)
      console.log(`| one task of another pool, warm | ${median(times).toFixed(1)} ms |`)
    } finally {
      await fexec.close()
      child.kill()
      await agent.stop()
      await server.stop()
    }
    console.log("")
  },

  /** From nothing to three hosts that take tasks, the queue's server on one of them. */
  async hosts() {
    const start = sshHosts.find()
    if (start === undefined) {
      console.log(`Not measured: ${sshHosts.what}.\n`)
      return
    }
    process.env.CELLFAN_STANDALONE_NATS_SERVER = natsServer.find()
    const hosts = await start()
    const times: { open: number; again: number }[] = []
    try {
      for (let round = 0; round < 3; round++) {
        const options = {
          hosts: ["h1,h2,h3"],
          sshConfigFile: hosts.sshConfigFile,
          minHosts: 3,
          pool: `b${round}`,
        }
        const open = async () => {
          const { backend } = standalone(options, "the benchmark")
          const ms = await timeOf(() => backend.open(new AbortController().signal))
          return { backend, ms }
        }
        const first = await open()
        await first.backend.close()
        const second = await open()
        times.push({ open: first.ms, again: second.ms })
        await second.backend.clean("all")
        await second.backend.close()
      }
    } finally {
      await hosts.stop()
    }
    const [open, again] = [times.map((one) => one.open), times.map((one) => one.again)].map(median) as [
      number,
      number,
    ]
    console.log("| three hosts by SSH that have Node | s | goal, s |")
    console.log("|---|---|---|")
    console.log(
      `| agents and the queue's server brought there, started and heard of | ${(open / 1000).toFixed(2)} | 5 |`,
    )
    console.log(`| found again by another kernel | ${(again / 1000).toFixed(2)} | |`)
    console.log("")
  },
}

for (const [name, run] of Object.entries(sections))
  if (flags.only === undefined || flags.only === name) await run()
