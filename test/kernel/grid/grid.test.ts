import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import type { WorkerState } from "../../../kernel-ext/backends/backend.ts"
import { LocalhostExecutor } from "../../../kernel-ext/executors/localhost.ts"
import { announceExecutor } from "../../../kernel-ext/executors/observe.ts"
import { decodeRuns } from "../../../kernel-ext/protocol/job-states.ts"
import { jobMime, parseSavedJob } from "../../../kernel-ext/protocol/job-view.ts"
import { taskStates } from "../../../kernel-ext/protocol/task.ts"
import { JobModel } from "../../../labextension/src/model/job-model.ts"
import { FrontEnd, type OpenedComm } from "./front-end.ts"

const nap = async (ms: number) => {
  await new Promise((resolve) => setTimeout(resolve, ms))
  return ms
}

const failsAtThree = async (n: number) => {
  console.log(`task ${n}`)
  if (n === 3) throw new TypeError(`cannot take ${n}`)
  return n
}

/** The extension's own model at the other end of the comm, fed as the browser would. */
function modelOf(comm: OpenedComm, frontEnd: FrontEnd): JobModel {
  const saved = parseSavedJob(frontEnd.outputs.at(-1)?.bundle.data[jobMime])
  if (saved === undefined) throw new Error("The cell shows no job")
  const model = new JobModel(saved)
  model.connect((command) => comm.send(command))
  for (const { message, buffers } of comm.received) model.receive(message, buffers)
  const { send } = comm.comm
  comm.comm.send = (data, buffers) => {
    send(data, buffers)
    const last = comm.received.at(-1)
    if (last !== undefined) model.receive(last.message, last.buffers)
  }
  return model
}

describe("the grid's kernel side", () => {
  let frontEnd: FrontEnd
  let executor: LocalhostExecutor

  before(() => {
    executor = new LocalhostExecutor({ workers: 2 })
  })

  after(() => executor.close())

  beforeEach(() => {
    frontEnd = new FrontEnd()
  })

  afterEach(() => frontEnd.detach())

  it("shows a job in its cell at once and again when it has ended, after the cell itself ended", async () => {
    const job = frontEnd.cell(() => executor.map(nap, [5, 5, 5]))
    expect(frontEnd.outputs.map(({ kind }) => kind)).to.deep.equal(["display"])
    await job
    await sleep(50)
    const first = frontEnd.outputs[0]?.bundle
    const last = frontEnd.outputs.at(-1)?.bundle
    expect(last?.displayId).to.equal(first?.displayId)
    const saved = parseSavedJob(last?.data[jobMime])
    expect(saved?.counts.done).to.equal(3)
    expect(saved?.endedAtMs).to.be.a("number")
    expect([...decodeRuns(saved?.states ?? "", 3)]).to.deep.equal([2, 2, 2])
    expect(last?.data["text/plain"]).to.match(/^nap: 3 tasks, 3 done in .* · LocalhostExecutor, 2 workers$/)
    expect(last?.data["image/svg+xml"]).to.match(/^<svg .*3 done.*<\/svg>$/)
  })

  it("adds a PNG when the cell ends, or soon after a job that outlives it: code that waits for the job does not wait for that", async () => {
    const types = () => Object.keys(frontEnd.outputs.at(-1)?.bundle.data ?? {})
    await frontEnd.cell(() => executor.map(nap, [5]))
    expect(types()).not.to.include("image/png")
    frontEnd.endCell()
    expect(types()).to.include.members(["image/png", "image/svg+xml", "text/plain", jobMime])
    expect(frontEnd.outputs.at(-1)?.bundle.metadata)
      .to.have.property("image/png")
      .that.has.property("width", 720)
    const renewals = frontEnd.outputs.length
    const job = frontEnd.cell(() => executor.map(nap, [5]))
    frontEnd.endCell()
    await job
    expect(types()).not.to.include("image/png")
    await sleep(400)
    expect(types()).to.include("image/png")
    expect(frontEnd.outputs.length - renewals, "shown, ended, with its PNG").to.equal(3)
  })

  it("names the failures in text, in the picture's title and in the saved job", async () => {
    const job = frontEnd.cell(() => executor.map(failsAtThree, [1, 2, 3, 4]))
    await job.settled()
    await sleep(50)
    const data = frontEnd.outputs.at(-1)?.bundle.data ?? {}
    expect(data["text/plain"])
      .to.include("3 done, 1 failed")
      .and.to.include("task 2: TypeError: cannot take 3")
    expect(data["image/svg+xml"])
      .to.include("1 failed")
      .and.to.include(">task 2: TypeError: cannot take 3</text>")
    expect(parseSavedJob(data[jobMime])?.failures[0]).to.include({ index: 2, name: "TypeError" })
  })

  it("shows nothing for silent cells, nor for jobs of no cell", async () => {
    await frontEnd.cell(() => executor.map(nap, [1]), { silent: true })
    await executor.map(nap, [1])
    expect(frontEnd.outputs).to.deep.equal([])
  })

  it("keeps a view's states equal to the job's, patch by patch, at most ten times a second", async () => {
    const job = frontEnd.cell(() =>
      executor.map(
        nap,
        Array.from({ length: 60 }, () => 20),
        { chunkSize: 2 },
      ),
    )
    const comm = frontEnd.open({ job: job.id })
    const model = modelOf(comm, frontEnd)
    const seen = new Set<string>()
    const stop = model.observe(() => seen.add([...model.states.subarray(0, 60)].join("")))
    const begun = Date.now()
    await job
    await comm.until(({ type }) => type === "picture")
    stop()
    expect(model.summary.counts.done).to.equal(60)
    expect([...model.states.subarray(0, 60)].every((code) => taskStates[code] === "done")).to.equal(true)
    expect(seen.size, "different pictures on the way").to.be.greaterThan(3)
    const patches = comm.received.filter(({ message }) => message.type === "patch").length
    expect(patches).to.be.lessThan((Date.now() - begun) / 100 + 4)
    expect(model.gaps).to.equal(0)
  })

  it("gives a second view the present, and each the same after that", async () => {
    const job = frontEnd.cell(() =>
      executor.map(
        nap,
        Array.from({ length: 30 }, () => 30),
      ),
    )
    const first = frontEnd.open({ job: job.id })
    await first.until((message) => message.type === "patch" && message.job.counts.done > 4)
    const second = frontEnd.open({ job: job.id })
    const model = modelOf(second, frontEnd)
    expect(model.summary.counts.done).to.be.greaterThan(4)
    await job
    await second.until((message) => message.type === "patch" && message.job.endedAtMs !== null)
    expect(model.summary.counts.done).to.equal(30)
  })

  it("starts a view over that missed a patch", async () => {
    const job = frontEnd.cell(() =>
      executor.map(
        nap,
        Array.from({ length: 40 }, () => 20),
      ),
    )
    const comm = frontEnd.open({ job: job.id })
    const model = modelOf(comm, frontEnd)
    await comm.until(({ type }) => type === "patch")
    const { send } = comm.comm
    comm.comm.send = () => {
      comm.comm.send = send
    }
    await job
    await comm.until((message) => message.type === "patch" && message.job.endedAtMs !== null)
    expect(model.gaps).to.equal(1)
    expect(model.summary.counts.done).to.equal(40)
    expect(model.states.subarray(0, 40).every((code) => code === 2)).to.equal(true)
  })

  it("cancels the tasks a view names, then the job", async () => {
    const job = frontEnd.cell(() =>
      executor.map(
        nap,
        Array.from({ length: 20 }, () => 30_000),
      ),
    )
    const comm = frontEnd.open({ job: job.id })
    comm.send({ type: "cancel", indices: [7, 9] })
    const some = await comm.until((message) => message.type === "patch" && message.job.counts.cancelled > 0)
    expect(some.message).to.have.nested.property("job.counts.cancelled", 2)
    comm.send({ type: "cancel" })
    await job.settled()
    expect(job.tasks[7]?.state).to.equal("cancelled")
    expect(job.tasks[0]?.state).to.equal("cancelled")
  })

  it("tells of a task while it is watched: state, worker, log, error", async () => {
    const job = frontEnd.cell(() => executor.map(failsAtThree, [3]))
    const comm = frontEnd.open({ job: job.id })
    comm.send({ type: "watch", index: 0 })
    const { message } = await comm.until((one) => one.type === "task" && one.task.state === "failed")
    if (message.type !== "task") throw new Error("not a task")
    expect(message.task.error).to.include({ name: "TypeError", message: "cannot take 3" })
    expect(message.task.error?.stack).to.match(/failsAtThree/)
    expect(message.task.logs.map(({ text }) => text).join("")).to.equal("task 3\n")
    expect(message.task.worker).to.be.a("string")
    await job.settled()
  })

  it("retries what failed when a view asks", async () => {
    const job = frontEnd.cell(() => executor.map(failsAtThree, [3, 4]))
    await job.settled()
    const comm = frontEnd.open({ job: job.id })
    comm.send({ type: "retry" })
    comm.send({ type: "watch", index: 0 })
    const { message } = await comm.until(
      (one) => one.type === "task" && one.task.attempt > 1 && one.task.state === "failed",
    )
    expect(message.type).to.equal("task")
    await job.settled()
  })

  it("says when each task ran and where", async () => {
    const job = frontEnd.cell(() => executor.map(nap, [30, 30, 30, 30]))
    await job
    const comm = frontEnd.open({ job: job.id })
    comm.send({ type: "times" })
    const { message, buffers } = await comm.until(({ type }) => type === "times")
    expect(message).to.have.property("workers").with.length.within(1, 2)
    expect(buffers.map(({ byteLength }) => byteLength)).to.deep.equal([16, 16, 16, 8])
  })

  it("answers that it knows no such job", () => {
    const comm = frontEnd.open({ job: "gone" })
    expect(comm.received.map(({ message }) => message)).to.deep.equal([{ type: "unknown" }])
  })

  it("closes a comm opened with data it does not understand", () => {
    expect(frontEnd.open({ jib: 1 }).closed).to.equal(true)
  })

  it("tells of workers as they come and go without a job, and why an executor could not be cleaned up", async () => {
    let workers: WorkerState[] = [{ name: "i-0abc", state: "pending", usdPerHour: 0.2 }]
    const forget = announceExecutor({
      id: "x1",
      kind: "StandaloneExecutor",
      backend: "aws_ec2",
      workers: 1,
      idle: 1,
      handle: {},
      workerStates: () => workers,
      clean: () => Promise.reject(new Error("no permission to end i-0abc")),
      close: () => Promise.resolve(),
    })
    try {
      const comm = frontEnd.open({ all: true })
      const told = () => {
        const last = comm.received.at(-1)?.message
        return last?.type === "jobs" ? last.executors.find(({ id }) => id === "x1") : undefined
      }
      expect(told()?.running).to.deep.equal(workers)
      workers = [
        { name: "i-0abc", state: "lost", detail: `no word for 60 s ${"…".repeat(500)}`, usdPerHour: 0.2 },
      ]
      await sleep(1300)
      expect(told()?.running?.[0]).to.include({ state: "lost", usdPerHour: 0.2 })
      expect(told()?.running?.[0]?.detail?.length).to.equal(300)
      comm.send({ type: "clean", executor: "x1" })
      expect(told()?.cleaning).to.equal("now")
      await sleep(50)
      expect(told()?.cleaning).to.deep.equal({ failed: "no permission to end i-0abc" })
    } finally {
      forget()
    }
  })

  it("lists all jobs to who asks for all, as they come and go", async () => {
    const comm = frontEnd.open({ all: true })
    const job = frontEnd.cell(() => executor.map(nap, [10, 10]))
    await job
    const { message } = await comm.until(
      (one) =>
        one.type === "jobs" && one.jobs.some(({ id, endedAtMs }) => id === job.id && endedAtMs !== null),
    )
    expect(message).to.have.nested.property("jobs[0].cell", "1")
  })

  it("shows the first few of many single calls in a cell and counts the rest in one line", async () => {
    await frontEnd.cell(() =>
      Promise.all(Array.from({ length: 30 }, (_, i) => executor.callAsync(nap, i % 3))),
    )
    await sleep(1200)
    const shown = frontEnd.outputs.filter(({ kind }) => kind === "display")
    expect(shown).to.have.length(9)
    expect(frontEnd.outputs.at(-1)?.bundle.data).to.deep.equal({ "text/plain": "and 22 more calls: 22 done" })
  })
})
