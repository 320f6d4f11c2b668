import { hostname } from "node:os"
import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import { standalone } from "../../../../kernel-ext/executors/standalone.ts"
import { StandaloneExecutor } from "../../../../kernel-ext/index.ts"
import { need } from "../../../support/needs.ts"
import { waitUntil } from "../../../support/processes.ts"
import { natsServer } from "../../../support/servers/nats.ts"
import { type Host, type Hosts, sshHosts } from "../../../support/servers/ssh-hosts.ts"

/** Maps over three hosts, while cables are cut and hosts die. */
describe("Jobs on hosts by SSH", function () {
  this.timeout(120_000)
  let hosts: Hosts
  let fexec: StandaloneExecutor
  before(async function () {
    process.env.CELLFAN_STANDALONE_NATS_SERVER = need(this, natsServer.what, natsServer.find())
    hosts = await need(this, sshHosts.what, sshHosts.find())()
    fexec = new StandaloneExecutor(options())
  })
  after(async () => {
    delete process.env.CELLFAN_STANDALONE_NATS_SERVER
    await fexec?.close()
    await hosts?.stop()
  })
  const options = () => ({
    hosts: ["h1,h2,h3"],
    sshConfigFile: hosts.sshConfigFile,
    ...{ minHosts: 3, workersPerHost: 2, pool: "jobs" },
  })
  const host = (name: string) => hosts.hosts.find((one) => one.name === name) as Host

  /** Says where it ran, and notes there that it did. */
  const work = async ({ index, ms }: { index: number; ms: number }) => {
    const [{ appendFile }, os, timers] = await Promise.all([
      import("node:fs/promises"),
      import("node:os"),
      import("node:timers/promises"),
    ])
    await timers.setTimeout(ms)
    await appendFile("/tmp/ran", `${index}\n`)
    return [index, os.hostname()] as const
  }
  const inputs = (count: number, ms: number) => Array.from({ length: count }, (_, index) => ({ index, ms }))
  const indices = (results: readonly (readonly [number, string])[]) => results.map(([index]) => index)
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index)

  it("run on all of them, with results in the order of inputs", async () => {
    const results = await fexec.map(work, inputs(120, 50))
    expect(indices(results)).to.deep.equal(upTo(120))
    expect([...new Set(results.map(([, name]) => name))].sort()).to.deep.equal(["h1", "h2", "h3"])
    expect(results.map(([, name]) => name)).to.not.include(hostname())
  })

  it("lose nothing and count nothing twice where a cable is out in the middle, and in again", async () => {
    const job = fexec.map(work, inputs(200, 200))
    await waitUntil(() => job.counts.done > 20, 30_000)
    await host("h2").linkDown()
    await sleep(12_000)
    await host("h2").linkUp()
    const results = await job
    expect(indices(results)).to.deep.equal(upTo(200))
    // And it works for us again, once its agent has found the server again.
    const found = new Set<string>()
    for (const end = Date.now() + 60_000; !found.has("h2") && Date.now() < end; )
      for (const [, name] of await fexec.map(work, inputs(120, 20))) found.add(name)
    expect(found).to.include("h2")
  })

  it("have their tasks run elsewhere within 20 s where a host dies under them", async () => {
    const job = fexec.map(work, inputs(12, 3000), { retries: 0 })
    await waitUntil(() => job.counts.running >= 6, 30_000)
    await host("h3").powerOff()
    const diedMs = Date.now()
    const results = await job
    const tookMs = Date.now() - diedMs
    console.log(`      all 12 tasks of 3 s were done ${tookMs} ms after the host had died`)
    expect(indices(results)).to.deep.equal(upTo(12))
    expect(results.slice(-1)[0]?.[1]).to.not.equal("h3")
    // Two workers are gone, four are left: nine seconds of work, and no more than 20 until it is begun anew.
    expect(tookMs).to.be.lessThan(29_000)
    await host("h3").powerOn()
  })

  it("find their agents again in another kernel, and leave nothing after clean", async () => {
    await fexec.close()
    fexec = new StandaloneExecutor(options())
    const results = await fexec.map(work, inputs(30, 10))
    expect(indices(results)).to.deep.equal(upTo(30))
    const { backend } = standalone(options(), "a test")
    await backend.open(new AbortController().signal)
    await backend.clean("own")
    await backend.close()
    for (const name of ["h1", "h2", "h3"])
      expect(await host(name).run("pgrep -f [c]ellfan/hosts || true; ls -A ~ada/.cache"), name).to.equal("")
  })
})
