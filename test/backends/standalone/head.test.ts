import { statSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import { makeAuthority } from "../../../kernel-ext/backends/standalone/head/certificate.ts"
import { newPoolKeys } from "../../../kernel-ext/backends/standalone/head/credentials.ts"
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
import { OwnHome } from "../../support/own-home.ts"
import { waitUntil } from "../../support/processes.ts"
import { TestAgent } from "../../support/servers/agents.ts"
import { natsServer } from "../../support/servers/nats.ts"
import { MachinesHere } from "../../support/standalone/machines-here.ts"

/** A server that cellfan starts itself, on machines of a provider: by TLS, and with rights of its own for agents. */
describe("A pool that is brought up", () => {
  let home: OwnHome
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
    home = new OwnHome()
    machines = new MachinesHere(["a", "b"])
    await make().open(new AbortController().signal)
  })

  after(async () => {
    await Promise.all(backends.map((backend) => backend.close()))
    await machines?.remove()
    home?.remove()
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
    const file = join(home.folder, ".cellfan", "pools", "here-up.json")
    expect(statSync(file).mode & 0o777).to.equal(0o600)
    expect(knownPools().map((one) => one.pool)).to.deep.equal(["up"])
    expect(poolIdentity("here", "up").keys).to.deep.equal(knownPools()[0]?.keys)
  })

  it("lets nobody in whom its own keys have not signed for, or by a certificate of another authority", async () => {
    const identity = poolIdentity("here", pool)
    const wrong = { ...identity, keys: newPoolKeys() }
    const refused = await failureOf(connect(kernelAccess(wrong, [serverOf()]), { name: "test" }))
    expect(refused.message).to.match(/did not let us in/)
    const other = { ...identity, authority: makeAuthority("other") }
    const untrusted = await failureOf(connect(kernelAccess(other, [serverOf()]), { name: "test" }))
    expect(untrusted.message).to.match(/could not be reached by TLS/)
    const { user, password, ca } = { user: "kernel", password: "", ca: identity.authority.certificate }
    const unsigned = await failureOf(connect({ servers: [serverOf()], user, password, ca }, { name: "test" }))
    expect(unsigned.message).to.match(/did not let us in/)
  })

  it("lets nobody in whose credentials have ended, and no agent of another pool", async () => {
    const identity = poolIdentity("here", pool)
    const ended = await failureOf(connect(agentAccess(identity, [serverOf()], -1000), { name: "test" }))
    expect(ended.message).to.match(/did not let us in/)
    expect(ended).to.include({ kind: "credentials", retryable: false })
    const other = { ...poolIdentity("here", "another"), authority: identity.authority }
    forgetIdentity("here", "another")
    const strange = await failureOf(connect(agentAccess(other, [serverOf()]), { name: "test" }))
    expect(strange.message).to.match(/did not let us in/)
  })

  it("throws out whose credentials end, and lets in again who has new ones by then", async function () {
    this.timeout(20_000)
    const identity = poolIdentity("here", pool)
    const access = agentAccess(identity, [serverOf()], 3000)
    let credentials = access.credentials
    const connection = await connect({ ...access, credentials: () => String(credentials) }, { name: "test" })
    const heard: string[] = []
    const watching = (async () => {
      for await (const { type } of connection.status()) heard.push(type)
    })()
    credentials = agentAccess(identity, [serverOf()]).credentials
    await waitUntil(() => heard.includes("reconnect"))
    expect(heard).to.include("disconnect")
    await connection.flush()
    await connection.close()
    await watching
  })

  it("lets agents take tasks and say what became of them, and nothing else", async () => {
    const agent = agentAccess(poolIdentity("here", pool), [serverOf()])
    const tasks = `cellfan-${pool}-tasks`
    expect(await tryAs(agent, `$JS.API.CONSUMER.INFO.${tasks}.first`)).to.equal("allowed")
    for (const subject of [
      `cellfan.${pool}.task.session.job`,
      `cellfan.${pool}.orders`,
      `$JS.API.STREAM.DELETE.${tasks}`,
      `$JS.API.STREAM.PURGE.cellfan-${pool}-results`,
      "$JS.API.STREAM.CREATE.another",
    ])
      expect(await tryAs(agent, subject), subject).to.match(/permission/i)
  })

  it("has agents that end before their credentials do, unless a kernel has given them new ones", async function () {
    this.timeout(40_000)
    const start = (host: string) => {
      const access = agentAccess(poolIdentity("here", pool), [serverOf()], 10_000)
      return TestAgent.start(serverOf(), { host, pool, access, makesStreams: false, workers: 1 })
    }
    const renewed = await start("renewed")
    await make().open(new AbortController().signal)
    const left = await start("left")
    try {
      await waitUntil(() => !left.isRunning, 15_000)
      expect(left.child.exitCode).to.equal(0)
      expect(left.said).to.include("what it is let in with ends, and no kernel has given it anything new")
      await sleep(2000)
      expect(renewed.isRunning).to.equal(true)
    } finally {
      await left.stop()
      await renewed.stop()
    }
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
