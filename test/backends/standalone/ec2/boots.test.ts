import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import { Ec2Hosts } from "../../../../kernel-ext/backends/standalone/ec2/ec2.ts"
import type { StandaloneBackend } from "../../../../kernel-ext/backends/standalone/standalone.ts"
import type { BackendError } from "../../../../kernel-ext/errors.ts"
import { Executor } from "../../../../kernel-ext/executors/executor.ts"
import { openExecutors } from "../../../../kernel-ext/executors/observe.ts"
import type { Cloud } from "../../../support/ec2/cloud.ts"
import { BootedPools } from "../../../support/ec2/pools.ts"
import { waitUntil } from "../../../support/processes.ts"
import { smallRecipe, Told } from "./recipe.ts"

class TestExecutor extends Executor {
  constructor(backend: StandaloneBackend) {
    super(backend, {}, {})
  }
}

/** Instances that really boot, each in namespaces of its own: their user data, the agent, and the queue's server on one of them. */
describe("Booted instances", function () {
  this.timeout(120_000)
  const never = new AbortController().signal
  let pools: BootedPools
  let cloud: Cloud

  before(async function () {
    pools = await BootedPools.start(this)
    cloud = pools.cloud
  })
  after(() => pools?.stop())

  afterEach(function () {
    if (cloud !== undefined) cloud.options = {}
    if (this.currentTest?.state !== "failed") return
    for (const { id, log } of cloud?.instances.values() ?? []) console.log(`      ${id}: ${log.slice(-1500)}`)
  })

  it("run a first task within ten seconds, what booting takes apart, and end themselves when they are idle", async () => {
    cloud.options = { bootMs: 1500, metadataDelayMs: 1000 }
    const backend = pools.backend("first", { instances: 1, idleMs: 3000 })
    const fexec = new TestExecutor(backend)
    const [ranAtMs = Number.POSITIVE_INFINITY] = await fexec.map(() => Date.now(), [0])
    const [worker] = pools.workersOf(backend)
    const tookMs = ranAtMs - cloud.shim.launchedAtMs - (cloud.options.bootMs ?? 0)
    console.log(`      first task ${tookMs} ms after RunInstances, without the boot`)
    expect(tookMs).to.be.lessThan(10_000)
    const { id = "" } = worker ?? {}
    await waitUntil(() => !cloud.instances.has(id), 30_000)
    await waitUntil(
      () => backend.fleet.hosts.some(({ name, state }) => name === id && state === "lost"),
      10_000,
    )
    const ended = backend.fleet.hosts.find(({ name }) => name === id)
    expect(ended?.reason).to.match(/^its agent ended it: it had nothing to do for \d+ s$/)
    cloud.options = {}
    await backend.clean("own")
    await fexec.close()
  })

  it("that break in mid-task lose nothing: their tasks run elsewhere within 20 s", async () => {
    const backend = pools.backend("killed", { instances: 2 })
    const fexec = new TestExecutor(backend)
    await backend.open(never)
    await waitUntil(() => backend.fleet.workers === 2, 60_000)
    const job = fexec.map(
      async (n: number) => {
        await new Promise((resolve) => setTimeout(resolve, 3000))
        return n
      },
      [1, 2, 3, 4],
    )
    await waitUntil(
      () => job.tasks.filter(({ state }: { state: string }) => state === "running").length === 2,
      30_000,
    )
    const [victim] = pools.workersOf(backend)
    await cloud.kill(victim?.id ?? "")
    const killedAt = Date.now()
    expect(await job).to.deep.equal([1, 2, 3, 4])
    console.log(
      `      all four tasks of 3 s done ${Date.now() - killedAt} ms after one of two instances broke`,
    )
    // Two tasks of the other, and then the one that was lost.
    expect(Date.now() - killedAt).to.be.lessThan(20_000 + 9000)
    await backend.clean("own")
    await fexec.close()
    await waitUntil(() => !cloud.instances.has(victim?.id ?? ""), 10_000)
  })

  it("cost jobs what they cost while there are jobs, the server's instance among them, and others take their place after clean", async () => {
    // A dollar a second.
    const backend = pools.backend("cost", { instances: 1, usdPerHour: 3600 })
    const fexec = new TestExecutor(backend)
    await backend.open(never)
    await waitUntil(() => backend.fleet.workers === 1, 60_000)
    await sleep(1500)
    const rest = (n: number) => new Promise((resolve) => setTimeout(() => resolve(n), 700))
    const jobs = [fexec.map(rest, [1, 2]), fexec.map(rest, [3])]
    await sleep(1500)
    const soFar = (jobs[0]?.costUsd ?? 0) + (jobs[1]?.costUsd ?? 0)
    await Promise.all(jobs)
    const began = Math.min(...jobs.map((job) => job.tasks[0]?.stats.queuedAtMs ?? 0))
    const seconds = Math.max(...jobs.map((job) => job.stats().wallMs)) / 1000
    const together = jobs.reduce((sum, job) => sum + (job.stats().costUsd ?? 0), 0)
    expect(soFar, "as it accrues").to.be.within(0.4, together)
    expect(together, `${seconds} s from ${began}`).to.be.within(seconds * 0.95, seconds * 1.05 + 0.05)
    const states = backend.workerStates()
    const head = states.find(({ detail }) => detail === "runs the queue's server")
    expect(head?.usdPerHour, "t3.small, its disk and its address").to.be.within(0.02, 0.03)
    await fexec.close()
    const again = pools.backend("cost", { instances: 1 })
    const other = new TestExecutor(again)
    const clean = () =>
      openExecutors()
        .find(({ handle }) => handle === other)
        ?.clean()
    await clean()
    expect(await other.map((n: number) => n, [5])).to.deep.equal([5])
    await clean()
    expect(await other.map((n: number) => n, [6])).to.deep.equal([6])
    await clean()
    await other.close()
  })

  it("take no more tasks when Amazon is about to take them away", async () => {
    const backend = pools.backend("spot", { instances: 1, spot: true })
    await backend.open(never)
    await waitUntil(() => backend.fleet.workers === 1, 60_000)
    const [worker] = pools.workersOf(backend)
    worker?.notify()
    // The instance of the queue's server stays.
    const own = () => backend.workerStates().filter(({ name }) => name.startsWith(worker?.id ?? ""))
    await waitUntil(() => own().every(({ state }) => state !== "idle"), 20_000)
    await waitUntil(() => worker?.log.includes("Amazon takes the spot instance away") === true, 20_000)
    await waitUntil(() => !cloud.instances.has(worker?.id ?? ""), 30_000)
    const seen = () => backend.fleet.hosts.find(({ name }) => name === worker?.id)
    await waitUntil(() => seen()?.state === "lost", 20_000)
    expect(seen()?.reason).to.match(
      /^its agent ended it: Amazon takes the spot instance away \(terminate, \d.*Z\)$/,
    )
    await backend.clean("own")
    await backend.close()
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
    // The group that the instances before were in.
    await hosts.clean("all")
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
})
