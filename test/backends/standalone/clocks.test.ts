import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect } from "chai"
import { StandaloneBackend } from "../../../kernel-ext/backends/standalone/standalone.ts"
import { Executor } from "../../../kernel-ext/executors/executor.ts"
import { fakeClock } from "../../support/fake-clock.ts"
import { need } from "../../support/needs.ts"
import { OwnHome } from "../../support/own-home.ts"
import { waitUntil } from "../../support/processes.ts"
import { natsServer } from "../../support/servers/nats.ts"
import { MachinesHere } from "../../support/standalone/machines-here.ts"

class TestExecutor extends Executor {
  constructor(backend: StandaloneBackend) {
    super(backend)
  }
}

const library = fileURLToPath(new URL("../../../dist/index.js", import.meta.url))
const minutes = 60_000

/** With a server of the pool's own: certificates and credentials, which hold from one time to another, are needed as well. */
describe("Clocks that are ten minutes apart", function () {
  this.timeout(60_000)
  let home: OwnHome
  let machines: MachinesHere
  let fexec: TestExecutor
  let clock: (ahead: number) => NodeJS.ProcessEnv

  before(async function () {
    const program = need(this, natsServer.what, natsServer.find())
    clock = need(this, fakeClock.what, fakeClock.find())
    home = new OwnHome()
    const pool = "clocks"
    machines = new MachinesHere(["ahead", "behind"], { ahead: clock(10), behind: clock(-10) })
    const backend = new StandaloneBackend({
      ...{ name: "here", pool, keepMs: 600_000, replicas: 1, expectedWorkers: 2 },
      machines: { pool, provider: machines, agents: { idleMs: 600_000 }, natsServer: program },
    })
    fexec = new TestExecutor(backend)
    await backend.open(new AbortController().signal)
    await waitUntil(() => backend.workers === 2, 20_000)
  })
  after(async () => {
    await fexec?.close()
    await machines?.remove()
    home?.remove()
  })

  const sleepy = async (n: number) => {
    await new Promise((resolve) => setTimeout(resolve, 300))
    if (n === 3) throw new RangeError("three")
    return { clock: Date.now(), host: process.env.FAKETIME }
  }

  it("are what those machines have, and yet their tasks begin, last and end when and for as long as they do", async () => {
    const beganMs = Date.now()
    const job = fexec.map(sleepy, [0, 1, 2, 3, 4, 5], { chunkSize: 1 })
    await waitUntil(() => job.counts.running > 0)
    const running = [...job.tasks].find(({ state }) => state === "running")
    expect(Math.abs((running?.stats.startedAtMs ?? 0) - Date.now())).to.be.lessThan(3000)
    await job.settled()
    const endedMs = Date.now()
    expect(job.counts).to.include({ done: 5, failed: 1 })
    const told = await Promise.all(job.tasks.filter(({ state }) => state === "done").map((task) => task))
    expect(new Set(told.map(({ host }) => host))).to.deep.equal(new Set(["+600s", "-600s"]))
    for (const { clock } of told) expect(Math.abs(clock - Date.now())).to.be.greaterThan(9 * minutes)
    for (const { stats } of job.tasks) {
      expect(stats.startedAtMs).to.be.within(beganMs - 200, endedMs + 200)
      expect(stats.endedAtMs).to.be.within(beganMs - 200, endedMs + 200)
      expect(stats.runMs).to.be.within(295, 5000)
      expect(stats.queueMs).to.be.lessThan(endedMs - beganMs + 200)
    }
  })

  it("end no lease: a task that takes longer runs once, and agents go on", async () => {
    const file = join(home.folder, "runs")
    const long = async (n: number, _: unknown, path: string) => {
      const { appendFileSync } = await import("node:fs")
      appendFileSync(path, `${n}\n`)
      await new Promise((resolve) => setTimeout(resolve, 12_000))
      return n
    }
    expect(await fexec.map(long, [0, 1], { extraArgs: [file] })).to.deep.equal([0, 1])
    expect(readFileSync(file, "utf8").trim().split("\n").sort()).to.deep.equal(["0", "1"])
    expect(machines.hosts.map(({ name }) => machines.child(name).exitCode)).to.deep.equal([null, null])
  })

  for (const ahead of [10, -10])
    it(`let a kernel in whose own is ${Math.abs(ahead)} minutes ${ahead > 0 ? "ahead" : "behind"}, and tell it times as it tells them`, async () => {
      const job = fexec.map(sleepy, [0, 1], { chunkSize: 1 })
      await job
      const code = `
        const { attach } = await import(process.argv[1])
        const job = attach(process.argv[2])
        await job
        const times = job.tasks.map(({ stats }) => [stats.startedAtMs - Date.now(), stats.runMs])
        console.log(JSON.stringify({ now: Date.now(), times }))`
      const child = spawn(process.execPath, ["--input-type=module", "-e", code, library, job.id], {
        env: { ...process.env, ...clock(ahead) },
        stdio: ["ignore", "pipe", "inherit"],
      })
      let said = ""
      child.stdout.on("data", (text: Buffer) => {
        said += text.toString()
      })
      await once(child, "exit")
      const { now, times } = JSON.parse(said) as { now: number; times: [number, number][] }
      expect(now - Date.now()).to.be.closeTo(ahead * minutes, 5000)
      expect(times).to.have.length(2)
      for (const [ago, runMs] of times) {
        expect(ago).to.be.within(-15_000, 0)
        expect(runMs).to.be.within(295, 5000)
      }
    })
})
