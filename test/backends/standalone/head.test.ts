import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { makeAuthority } from "../../../kernel-ext/backends/standalone/head/certificate.ts"
import {
  agentAccess,
  forgetIdentity,
  kernelAccess,
  knownPools,
  poolIdentity,
} from "../../../kernel-ext/backends/standalone/head/identity.ts"
import type { QueueAccess } from "../../../kernel-ext/backends/standalone/queue/access.ts"
import { connect } from "../../../kernel-ext/backends/standalone/queue/connection.ts"
import { StandaloneBackend } from "../../../kernel-ext/backends/standalone/standalone.ts"
import { conformsToBackend } from "../../conformance/backend.ts"
import { failureOf } from "../../support/failure.ts"
import { need } from "../../support/needs.ts"
import { natsServer } from "../../support/servers/nats.ts"
import { MachinesHere } from "../../support/standalone/machines-here.ts"

/** A server that cellfan starts itself, on machines of a provider: by TLS, and with rights of its own for agents. */
describe("A pool that is brought up", () => {
  const home = process.env.HOME
  let folder: string
  let machines: MachinesHere
  const backends: StandaloneBackend[] = []
  const pool = "up"
  const make = (): StandaloneBackend => {
    const agents = { idleMs: 600_000 }
    const backend = new StandaloneBackend({
      ...{ name: "here", pool, keepMs: 600_000, replicas: 1, expectedWorkers: 2 },
      machines: { pool, provider: machines, agents, natsServer: natsServer.find() },
    })
    backends.push(backend)
    return backend
  }

  before(async function () {
    this.timeout(60_000)
    need(this, natsServer.what, natsServer.find())
    folder = mkdtempSync(join(tmpdir(), "cellfan-home-"))
    process.env.HOME = folder
    machines = new MachinesHere(["a", "b"])
    await make().open(new AbortController().signal)
  })

  after(async () => {
    await Promise.all(backends.map((backend) => backend.close()))
    await machines?.remove()
    process.env.HOME = home
    rmSync(folder, { recursive: true, force: true })
  })

  const serverOf = (): string => knownPools()[0]?.address?.kernel[0] ?? ""
  const tryAs = async (access: QueueAccess, subject: string): Promise<string> => {
    const connection = await connect(access, { name: "test" })
    try {
      await connection.request(subject, "{}", { timeout: 1000 })
      return "allowed"
    } catch (error) {
      return (error as Error).message
    } finally {
      await connection.close()
    }
  }

  conformsToBackend("machines with a server of their own", make)

  it("keeps its keys where only their owner reads them", () => {
    const file = join(folder, ".cellfan", "pools", "here-up.json")
    expect(statSync(file).mode & 0o777).to.equal(0o600)
    expect(knownPools().map((one) => one.pool)).to.deep.equal(["up"])
    expect(poolIdentity("here", "up").agentPassword).to.equal(knownPools()[0]?.agentPassword)
  })

  it("lets nobody in without its password, or by a certificate of another authority", async () => {
    const identity = poolIdentity("here", pool)
    const wrong = { ...identity, kernelPassword: "wrong" }
    const refused = await failureOf(connect(kernelAccess(wrong, [serverOf()]), { name: "test" }))
    expect(refused.message).to.match(/did not let us in/)
    const other = { ...identity, authority: makeAuthority("other") }
    const untrusted = await failureOf(connect(kernelAccess(other, [serverOf()]), { name: "test" }))
    expect(untrusted.message).to.match(/could not be reached by TLS/)
  })

  it("lets agents take tasks and say what became of them, and nothing else", async () => {
    const agent = agentAccess(poolIdentity("here", pool), [serverOf()])
    const tasks = `cellfan-${pool}-tasks`
    expect(await tryAs(agent, `$JS.API.CONSUMER.INFO.${tasks}.agents`)).to.equal("allowed")
    for (const subject of [
      `cellfan.${pool}.task.session.job`,
      `cellfan.${pool}.orders`,
      `$JS.API.STREAM.DELETE.${tasks}`,
      `$JS.API.STREAM.PURGE.cellfan-${pool}-results`,
      "$JS.API.STREAM.CREATE.another",
    ])
      expect(await tryAs(agent, subject), subject).to.match(/permission/i)
  })

  describe("at its end", () => {
    it("gives back what it brought up", async () => {
      await make().clean("own")
      expect(machines.child("a").exitCode, machines.said).to.equal(0)
      expect(machines.child("head").exitCode ?? machines.child("head").signalCode).to.not.equal(null)
      forgetIdentity("here", pool)
      expect(knownPools()).to.deep.equal([])
    })
  })
})
