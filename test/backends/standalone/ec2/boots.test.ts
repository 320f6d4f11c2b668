import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import { Ec2Hosts } from "../../../../kernel-ext/backends/standalone/ec2/ec2.ts"
import type { Ec2Options } from "../../../../kernel-ext/backends/standalone/ec2/options.ts"
import { StandaloneBackend } from "../../../../kernel-ext/backends/standalone/standalone.ts"
import type { BackendError } from "../../../../kernel-ext/errors.ts"
import { Executor } from "../../../../kernel-ext/executors/executor.ts"
import { conformsToBackend } from "../../../conformance/backend.ts"
import { Cloud } from "../../../support/ec2/cloud.ts"
import type { Instance } from "../../../support/ec2/instance.ts"
import { namespaces } from "../../../support/ec2/network.ts"
import { need } from "../../../support/needs.ts"
import { waitUntil } from "../../../support/processes.ts"
import { moto } from "../../../support/servers/moto.ts"
import { natsServer } from "../../../support/servers/nats.ts"
import { smallRecipe, Told } from "./recipe.ts"

/** Instances that really boot, each in namespaces of its own: their user data, the agent, and the queue's server on one of them. */
describe("Booted instances", function () {
  this.timeout(Number(process.env.T ?? 120_000))
  const home = process.env.HOME
  const never = new AbortController().signal
  const backends: StandaloneBackend[] = []
  let folder: string
  let cloud: Cloud

  before(async function () {
    need(this, namespaces.what, namespaces.find())
    need(this, natsServer.what, natsServer.find())
    folder = mkdtempSync(join(tmpdir(), "cellfan-home-"))
    process.env.HOME = folder
    cloud = await Cloud.start(need(this, moto.what, moto.find()))
  })
  after(async () => {
    await Promise.all(backends.map((backend) => backend.close()))
    await cloud?.stop()
    if (home !== undefined) process.env.HOME = home
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  afterEach(function () {
    if (this.currentTest?.state !== "failed") return
    for (const { id, log } of cloud.instances.values()) console.log(`      ${id}: ${log.slice(-1500)}`)
  })

  function backendOn(pool: string, more: Partial<Ec2Options> = {}, idleMs = 600_000): StandaloneBackend {
    const options = cloud.hostOptions({ workersPerHost: 1, ...more })
    const backend = new StandaloneBackend({
      ...{ name: "aws_ec2", pool, keepMs: 600_000, replicas: 1, expectedWorkers: options.instances },
      machines: {
        ...{ pool, provider: new Ec2Hosts(options), natsServer: natsServer.find() },
        agents: { workersPerHost: 1, idleMs },
      },
    })
    backends.push(backend)
    return backend
  }

  /** Those of a pool that run tasks. */
  function workersOf(backend: StandaloneBackend): Instance[] {
    const names = new Set(backend.fleet.agents.map(({ host }) => host))
    return [...cloud.instances.values()].filter(({ id }) => names.has(id))
  }

  conformsToBackend("aws_ec2", () => backendOn("suite", { instances: 2 }))

  it("run a first task within ten seconds, what booting takes apart, and end themselves when they are idle", async () => {
    cloud.options = { bootMs: 1500, metadataDelayMs: 1000 }
    const begun = Date.now()
    const backend = backendOn("first", { instances: 1 }, 3000)
    const fexec = new Executor(backend, {}, {})
    const [first] = await fexec.map(() => Date.now(), [0])
    const [worker] = workersOf(backend)
    const bootMs = cloud.options.bootMs ?? 0
    console.log(
      `      first task ${(first ?? 0) - begun} ms after open, the head's and the worker's boots of ${bootMs} ms included`,
    )
    // The head's instance and the worker's boot one after the other.
    expect((first ?? Number.POSITIVE_INFINITY) - begun - 2 * bootMs).to.be.lessThan(10_000)
    const { id = "" } = worker ?? {}
    await waitUntil(() => !cloud.instances.has(id), 30_000)
    await waitUntil(
      () => backend.fleet.hosts.some(({ name, state }) => name === id && state === "lost"),
      10_000,
    )
    const ended = backend.fleet.hosts.find(({ name }) => name === id)
    expect(ended?.reason).to.equal("its agent had nothing to do, and ended it")
    cloud.options = {}
    await fexec.clean()
    await fexec.close()
  })

  it("that break in mid-task lose nothing: their tasks run elsewhere within 20 s", async () => {
    const backend = backendOn("killed", { instances: 2 })
    const fexec = new Executor(backend, {}, {})
    await backend.open(never)
    await waitUntil(() => backend.fleet.workers === 2, 60_000)
    const job = fexec.map(
      async (n: number) => {
        await new Promise((resolve) => setTimeout(resolve, 3000))
        return n
      },
      [1, 2, 3, 4],
    )
    await waitUntil(() => job.tasks.filter(({ state }) => state === "running").length === 2, 30_000)
    const [victim] = workersOf(backend)
    await cloud.kill(victim?.id ?? "")
    const killedAt = Date.now()
    expect(await job).to.deep.equal([1, 2, 3, 4])
    console.log(
      `      all four tasks of 3 s done ${Date.now() - killedAt} ms after one of two instances broke`,
    )
    // Two tasks of the other, and then the one that was lost.
    expect(Date.now() - killedAt).to.be.lessThan(20_000 + 9000)
    await fexec.clean()
    await fexec.close()
    expect([...cloud.instances.values()].some(({ id }) => id === victim?.id)).to.equal(false)
  })

  it("take no more tasks when Amazon is about to take them away", async () => {
    const backend = backendOn("spot", { instances: 1, spot: true })
    await backend.open(never)
    await waitUntil(() => backend.fleet.workers === 1, 60_000)
    const [worker] = workersOf(backend)
    worker?.notify()
    await waitUntil(() => backend.workerStates().every(({ state }) => state !== "idle"), 20_000)
    await waitUntil(() => worker?.log.includes("Amazon takes the spot instance away") === true, 20_000)
    await waitUntil(() => !cloud.instances.has(worker?.id ?? ""), 30_000)
    await backend.clean()
    await backend.close()
  })

  it("get Node where their image has none, and files that storage holds", async () => {
    cloud.options = { withNode: false }
    const nodeUrl = await cloud.nodeArchive()
    const hosts = new Ec2Hosts(cloud.hostOptions({ nodeUrl }))
    const lines = `console.error("runs", process.argv[2], process.getuid() > 0); setInterval(() => {}, 1000)`
    await hosts.start(smallRecipe(lines, "node"), new Told(), never)
    const [{ name = "" } = {}] = hosts.hosts
    const instance = cloud.instances.get(name)
    await waitUntil(() => instance?.log.includes("runs agent.json true") === true, 60_000)
    const { output } = await (instance as Instance).run(
      "ls -l /var/lib/cellfan; cat /var/lib/cellfan/agent.json",
    )
    expect(output)
      .to.match(/-rw------- 1 cellfan cellfan +\d+ .* agent.json/)
      .and.include(`"host":"${name}"`)
    await hosts.clean("own")
    await hosts.close()
    cloud.options = {}
  })

  it("say why they did not come up, and end", async () => {
    const broken = new Ec2Hosts(cloud.hostOptions())
    const told = new Told()
    await broken.start(smallRecipe("throw new Error('no agent today')", "broken"), told, never)
    await waitUntil(() => broken.hosts[0]?.state === "failed", 60_000)
    expect(broken.hosts[0]?.reason).to.match(/^the program ended with code 1 three times: .*no agent today/)
    expect(broken.hosts[0]?.kind).to.equal("init")
    await broken.clean("own")
    await broken.close()
    cloud.options = { withNode: false }
    const without = new Ec2Hosts(cloud.hostOptions({ nodeUrl: `${cloud.shim.url}/none/node.tgz` }))
    await without.start(smallRecipe("0", "without"), told, never)
    await waitUntil(() => without.hosts[0]?.state === "failed", 90_000)
    expect(without.hosts[0]?.reason).to.match(/^node\.tgz could not be fetched from http/)
    await without.clean("own")
    await without.close()
    cloud.options = {}
  })

  it("that exist already are used by Systems Manager, and are not ended", async () => {
    const { ec2Sdk } = await import("../../../../kernel-ext/backends/standalone/ec2/sdk.ts")
    const sdk = await ec2Sdk()
    const launch = { ImageId: "ami-1e749f67", InstanceType: "t3.medium" as const, SubnetId: cloud.subnet }
    const { Instances = [] } = await cloud.client.send(
      new sdk.RunInstancesCommand({ ...launch, MinCount: 1, MaxCount: 1 }),
    )
    const id = Instances[0]?.InstanceId ?? ""
    await cloud.client.send(new sdk.StopInstancesCommand({ InstanceIds: [id] }))
    await cloud.look()
    const hosts = new Ec2Hosts(cloud.hostOptions({ instanceIds: [id] }))
    const told = new Told()
    await hosts.start(
      smallRecipe(`console.error("consumed"); setTimeout(() => {}, 2000)`, "given"),
      told,
      never,
    )
    expect(told.said).to.deep.equal([`Starting ${id} …`])
    expect(hosts.hosts).to.deep.equal([{ name: id, state: "running" }])
    await waitUntil(() => cloud.instances.get(id)?.log.includes("consumed") === true, 30_000)
    await sleep(3000)
    expect(await hosts.clean("all")).to.deep.equal([])
    expect(cloud.instances.has(id)).to.equal(true)
    const missing = new Ec2Hosts(cloud.hostOptions({ instanceIds: ["i-0123456789abcdef0"] }))
    const error = await missing.start(smallRecipe("0"), told, never).then(
      () => undefined,
      (failure: BackendError) => failure,
    )
    expect(error?.message).to.include("there is no such instance in this region; look at `instanceIds`")
    await hosts.close()
    await missing.close()
  })

  it("of the queue's server let in workers and the kernel, and nobody else", async () => {
    const { ec2Sdk } = await import("../../../../kernel-ext/backends/standalone/ec2/sdk.ts")
    const sdk = await ec2Sdk()
    const { SecurityGroups = [] } = await cloud.client.send(new sdk.DescribeSecurityGroupsCommand({}))
    const head = SecurityGroups.find(({ GroupName }) => GroupName === "cellfan-head-suite")
    const workers = SecurityGroups.find(({ GroupName }) => GroupName === "cellfan-workers")
    expect(workers?.IpPermissions).to.deep.equal([])
    const rules = (head?.IpPermissions ?? []).map(({ FromPort, ToPort, IpRanges, UserIdGroupPairs }) => ({
      ports: [FromPort, ToPort],
      from: [
        ...(IpRanges ?? []).map(({ CidrIp }) => CidrIp),
        ...(UserIdGroupPairs ?? []).map(({ GroupId }) => GroupId),
      ],
    }))
    expect(rules.every(({ ports }) => ports.every((port) => port === 4222))).to.equal(true)
    expect(rules.flatMap(({ from }) => from).sort()).to.deep.equal(
      [`${cloud.bridge.address}/32`, workers?.GroupId].sort(),
    )
  })
})
