import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { expect } from "chai"
import { standalone } from "../../../../kernel-ext/executors/standalone.ts"
import { StandaloneExecutor } from "../../../../kernel-ext/index.ts"
import { need } from "../../../support/needs.ts"
import { OwnHome } from "../../../support/own-home.ts"
import { waitUntil } from "../../../support/processes.ts"
import { natsServer } from "../../../support/servers/nats.ts"
import { type Host, type Hosts, sshHosts } from "../../../support/servers/ssh-hosts.ts"

/** `head: "here"`: nothing listens on a network for it. */
describe("This machine as head of hosts by SSH", function () {
  this.timeout(90_000)
  let hosts: Hosts
  let home: OwnHome
  before(async function () {
    process.env.CELLFAN_STANDALONE_NATS_SERVER = need(this, natsServer.what, natsServer.find())
    hosts = await need(this, sshHosts.what, sshHosts.find())([{}, {}, { name: "inner", behind: "h1" }])
    home = new OwnHome()
  })
  after(async () => {
    delete process.env.CELLFAN_STANDALONE_NATS_SERVER
    const { backend } = standalone(options(), "a test")
    await backend.clean("all").catch(() => {})
    await backend.close()
    await hosts?.stop()
    home?.remove()
  })
  const options = () => ({
    hosts: ["h1,h2,inner"],
    sshConfigFile: hosts.sshConfigFile,
    head: "here" as const,
    ...{ minHosts: 3, workersPerHost: 1, pool: "here" },
  })
  const host = (name: string) => hosts.hosts.find((one) => one.name === name) as Host
  const where = async (n: number) => {
    const os = await import("node:os")
    await new Promise((resolve) => setTimeout(resolve, 100))
    return `${n} ${os.hostname()}`
  }
  const upTo = (count: number) => Array.from({ length: count }, (_, i) => i)
  const hostsOf = (results: readonly string[]) =>
    [...new Set(results.map((text) => text.split(" ")[1]))].sort()
  const listeners = () =>
    execFileSync("ss", ["-Hltnp"], { encoding: "utf8" })
      .split("\n")
      .filter((line) => line.includes(`pid=${serverPid()},`))
  const serverPids = () =>
    execFileSync("sh", ["-c", `pgrep -f '[n]ats-server -c ${home.folder}/' || true`], {
      encoding: "utf8",
    }).trim()
  const serverPid = () => Number(serverPids())

  it("runs tasks on all of them, also on one behind another, and listens on its loopback alone", async () => {
    await using fexec = new StandaloneExecutor(options())
    const results = await fexec.map(where, upTo(60), { chunkSize: 1 })
    expect(results.map((text) => Number(text.split(" ")[0]))).to.deep.equal(upTo(60))
    expect(hostsOf(results)).to.deep.equal(["h1", "h2", "inner"])
    const listening = listeners()
    expect(listening).to.have.length(1)
    expect(listening[0]).to.match(/ 127\.0\.0\.1:\d+ /)
  })

  it("is found again by another kernel, whose hosts go on when the first one has ended", async () => {
    const pid = serverPid()
    const first = new StandaloneExecutor(options())
    expect(await first.map(where, [0])).to.have.length(1)
    await using second = new StandaloneExecutor(options())
    expect(await second.map(where, [0])).to.have.length(1)
    expect(serverPid()).to.equal(pid)
    await first.close()
    const job = second.map(where, upTo(60), { chunkSize: 1 })
    await waitUntil(() => job.counts.done === 60, 40_000)
    expect(hostsOf(await job)).to.deep.equal(["h1", "h2", "inner"])
  })

  it("has its tunnels again after a cable was out, and loses no result", async () => {
    await using fexec = new StandaloneExecutor(options())
    await fexec.map(where, upTo(6))
    const job = fexec.map(where, upTo(200), { chunkSize: 1 })
    await waitUntil(() => job.counts.done > 10, 20_000)
    await host("h2").linkDown()
    await new Promise((resolve) => setTimeout(resolve, 3000))
    await host("h2").linkUp()
    const results = await job
    expect(results.map((text) => Number(text.split(" ")[0]))).to.deep.equal(upTo(200))
  })

  it("is ended by clean, with its data", async () => {
    const { backend } = standalone(options(), "a test")
    await backend.open(new AbortController().signal)
    await backend.clean("own")
    await backend.close()
    expect(serverPids()).to.equal("")
    expect(existsSync(join(home.folder, ".cellfan", "ssh"))).to.equal(false)
    for (const name of ["h1", "h2", "inner"])
      expect(await host(name).run("pgrep -f [c]ellfan/hosts || true"), name).to.equal("")
  })
})
