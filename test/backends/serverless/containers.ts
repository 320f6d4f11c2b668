import { expect } from "chai"
import type { Platform } from "../../../kernel-ext/backends/serverless/platform.ts"
import { waitUntil } from "../../support/processes.ts"
import { backendOn, messageOf, PlatformExecutor } from "./jobs.ts"

/** What all platforms do whose functions are containers that take calls by HTTP. */
export function runsContainers(
  make: (more?: { memoryMiB?: number; concurrency?: number }) => Platform,
): void {
  it("makes a service once, finds it again, lists it and deletes it", async () => {
    const told: string[] = []
    const backend = backendOn(make({ memoryMiB: 1024 }), { onProgress: (text) => told.push(text) })
    await Promise.all([backend.open(), backendOn(make({ memoryMiB: 1024 })).open()])
    await backendOn(make({ memoryMiB: 1024 }), { onProgress: (text) => told.push(text) }).open()
    const names = new Set(told.flatMap((text) => /^Deployed (\S+)/.exec(text)?.[1] ?? []))
    const [name = ""] = names
    expect(names.size).to.equal(1)
    const { functions } = await backend.list()
    expect(functions.find((one) => one.name === name)).to.include({ memoryMiB: 1024, timeoutMs: 20_000 })
    expect(functions.every((one) => backend.isCurrent(one))).to.equal(true)
    expect(await backend.remove(name)).to.equal(true)
    expect(await backend.remove(name)).to.equal(false)
    expect((await backend.list()).functions.map((one) => one.name)).not.to.include(name)
  })

  it("carries nearly 32 MiB there in one call, and more than that back, without storage", async () => {
    await using fexec = new PlatformExecutor(make({ memoryMiB: 1024 }))
    const twice = (bytes: Uint8Array) => {
      const result = new Uint8Array(2 * bytes.length)
      result.set(bytes)
      result.set(bytes, bytes.length)
      return result
    }
    const [result] = await fexec.map(twice, [new Uint8Array(24e6).fill(7)])
    expect([result?.length, result?.[0], result?.at(-1)]).to.deep.equal([48e6, 7, 7])
  })

  it("shows logs and progress while a task runs", async () => {
    await using fexec = new PlatformExecutor(make())
    const task = fexec.callAsync(async (_: number, ctx) => {
      ctx.log("begun")
      ctx.progress(0.5, "half")
      await new Promise((resolve) => setTimeout(resolve, 1500))
      return "done"
    }, 1)
    await waitUntil(() => task.logs.length > 0, 20_000)
    expect(task.state).to.equal("running")
    expect(await task).to.equal("done")
  })

  it("runs several calls in an instance, where it may", async () => {
    await using fexec = new PlatformExecutor(make({ concurrency: 4 }), { workers: 4 })
    const wait = (n: number) => new Promise((resolve) => setTimeout(() => resolve([process.pid, n]), 400))
    const got = (await fexec.map(wait, [0, 1, 2, 3], { chunkSize: 1 })) as [number, number][]
    expect(got.map(([, n]) => n)).to.deep.equal([0, 1, 2, 3])
    expect(new Set(got.map(([pid]) => pid)).size).to.equal(1)
  })

  it("names tasks that throw, exit, run too long or use up the memory, and finishes the others", async () => {
    await using fexec = new PlatformExecutor(make())
    const bad = (n: number) => {
      if (n === 1) throw new RangeError("one")
      if (n === 2) process.exit(3)
      if (n === 3) for (;;) {}
      const kept: Uint8Array[] = []
      // As fast as a busy machine can still look at it.
      const tick = new Int32Array(new SharedArrayBuffer(4))
      while (n === 4) {
        kept.push(new Uint8Array(5 * 2 ** 20).fill(1))
        Atomics.wait(tick, 0, 0, 15)
      }
      return n
    }
    const job = fexec.map(bad, [0, 1, 2, 3, 4, 5], { timeoutMs: 6000 })
    const message = await messageOf(job)
    const settled = await job.settled()
    expect(settled.map((one) => (one.status === "fulfilled" ? one.value : "failed"))).to.deep.equal([
      ...[0, "failed", "failed", "failed", "failed", 5],
    ])
    expect(message).to.match(/RangeError: one/)
    expect(message).to.match(/called process\.exit\(3\)/)
    expect(message).to.match(/Task 3 .*6/)
    expect(message).to.match(/ran out of memory: the function has 512 MiB \(raise `memoryMiB`/)
  })

  it("calls again when an instance is killed in mid-call, and says what may help where that goes on", async () => {
    await using fexec = new PlatformExecutor(make())
    const kill = (n: number) => (n === 1 ? process.kill(process.pid, "SIGKILL") : n)
    const job = fexec.map(kill, [0, 1, 2], { chunkSize: 1 })
    const message = await messageOf(job)
    const settled = await job.settled()
    expect(settled.map(({ status }) => status)).to.deep.equal(["fulfilled", "rejected", "fulfilled"])
    expect(message).to.match(/was ended in mid-answer.* a larger `memoryMiB` helps/)
  })
}
