import { readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { expect } from "chai"
import type { KernelClient } from "../support/kernel-client.ts"
import { isAlive, waitUntil } from "../support/processes.ts"
import { installedKernel, startInstalled } from "./installed-kernel.ts"

/** Cells that wait for a child process, which no JavaScript can end meanwhile, with the kernel as it is installed. */

const LONG = `"${process.execPath}" -e "setTimeout(() => {}, 1e6)"`

const waits: Readonly<Record<string, string>> = {
  execSync: `execSync(${JSON.stringify(LONG)})`,
  "execFileSync, with its output shown":
    "execFileSync(process.execPath, ['-e', 'setTimeout(() => {}, 1e6)'], { stdio: 'inherit' })",
  spawnSync: "spawnSync(process.execPath, ['-e', 'setTimeout(() => {}, 1e6)'])",
  "execSync of a shell that waits for another program": `execSync(${JSON.stringify(`${LONG}; echo after`)})`,
  "execSync behind an await": `await null; execSync(${JSON.stringify(LONG)})`,
  "execSync in a timer": `setTimeout(() => execSync(${JSON.stringify(LONG)}), 5); await new Promise(() => {})`,
  "execSync time and again, whatever it throws": "for (;;) { try { execSync('sleep 0.3') } catch {} }",
}

const SLOWEST_MS = 1500

describe("A cell that waits for a child process", function () {
  this.timeout(60_000)
  let folder: string
  let kernel: KernelClient
  installedKernel(
    `
    import { execFileSync, execSync, spawn, spawnSync } from "node:child_process"
    import { readFileSync, writeFileSync } from "node:fs"
    import { LocalhostExecutor } from "cellfan"
    let kept = 41`,
    (installed) => {
      folder = installed.folder
      kernel = installed.kernel
    },
  )

  const result = async (code: string) => {
    const { iopub } = await kernel.execute(code)
    return iopub.find(({ type }) => type === "execute_result")?.content.data["text/plain"]
  }

  const pidIn = async (file: string) => Number(await readFile(join(folder, file), "utf8").catch(() => ""))

  /** Interrupts the cell when its child is there, which `ready` tells, or after a moment. */
  async function interrupted(
    code: string,
    ready?: () => Promise<boolean>,
    how = () => kernel.do("interrupt"),
  ) {
    const id = await kernel.sendCell(code)
    await kernel.until(() => kernel.iopub(id).some(({ type }) => type === "execute_input"))
    if (ready === undefined) await new Promise((resolve) => setTimeout(resolve, 500))
    else await waitUntil(ready)
    const before = performance.now()
    await how()
    const served = await kernel.served(id)
    return { ...served, tookMs: performance.now() - before }
  }

  for (const [name, code] of Object.entries(waits)) {
    it(`by ${name} ends by an interrupt`, async () => {
      const { reply, tookMs } = await interrupted(code)
      expect(reply.content.ename).to.equal("KeyboardInterrupt")
      expect(tookMs).to.be.below(SLOWEST_MS)
      expect(await result("kept + 1")).to.equal("42")
    })
  }

  it("is not there any more afterwards, nor is what it has started", async () => {
    const shell = `echo $$ > outer; ${LONG} & echo $! > inner; wait`
    await interrupted(`execSync(${JSON.stringify(shell)})`, async () => (await pidIn("inner")) > 0)
    for (const file of ["outer", "inner"]) {
      const pid = await pidIn(file)
      await waitUntil(() => !isAlive(pid))
    }
  })

  it("takes no other child process with it: not a server of the user's, not a worker at its task", async () => {
    const begun = await kernel.execute(`
      const server = spawn(process.execPath, ["-e", "setTimeout(() => {}, 1e6)"])
      const fexec = new LocalhostExecutor({ workers: 2 })
      await fexec.map((n: number) => n, [1, 2])
      const job = fexec.map(async (n: number, ctx) => {
        if (n === 0) ctx.log("begun")
        await new Promise((go) => setTimeout(go, 3000))
        return [n, ctx.attempt]
      }, [0, 1])
      while (job.tasks[0].logs.length === 0) await new Promise((go) => setTimeout(go, 20))`)
    expect(begun.reply.content.status, begun.reply.content.evalue).to.equal("ok")
    const { reply } = await interrupted(waits.spawnSync ?? "")
    expect(reply.content.ename).to.equal("KeyboardInterrupt")
    expect(await result("JSON.stringify(await job)")).to.equal("[[0,1],[1,1]]")
    expect(await result("[server.exitCode, server.signalCode, server.kill()]")).to.equal(
      "[ null, null, true ]",
    )
    await kernel.execute("await fexec.close()")
  })

  it("may tidy up when it is interrupted, and does so once", async () => {
    const program = `
      process.on("SIGINT", () => { console.log("asked"); setTimeout(() => process.exit(), 300) })
      require("node:fs").writeFileSync("tidying", String(process.pid)); setTimeout(() => {}, 1e6)`
    const ready = async () => (await pidIn("tidying")) > 0
    const code = `execFileSync(process.execPath, ["-e", ${JSON.stringify(program)}], { stdio: "inherit" })`
    const byMessage = await interrupted(code, ready)
    await rm(join(folder, "tidying"))
    // As a terminal does, or Jupyter where a kernel asks for signals.
    const bySignal = await interrupted(code, ready, async () => {
      process.kill(await pidIn("tidying"), "SIGINT")
      process.kill(kernel.pid, "SIGINT")
    })
    for (const { reply, iopub } of [byMessage, bySignal]) {
      expect(reply.content.ename).to.equal("KeyboardInterrupt")
      const written = iopub.filter(({ type }) => type === "stream").map(({ content }) => content.text)
      expect(written.join("")).to.equal("asked\n")
    }
  })

  it("is killed where it does not care", async () => {
    const { reply } = await interrupted(`execSync("trap '' INT; while true; do sleep 0.1; done")`)
    expect(reply.content.ename).to.equal("KeyboardInterrupt")
    expect(await result("kept + 1")).to.equal("42")
  })

  it("leaves the cell what follows, where nobody interrupts", async () => {
    expect(await result(`execSync("echo out", { encoding: "utf8" }).trim()`)).to.equal("out")
    const { reply } = await kernel.execute(`execFileSync("no-such-program")`)
    expect(reply.content.evalue).to.match(/spawnSync no-such-program ENOENT/)
    const traceback = reply.content.traceback.join("\n")
    expect(traceback)
      .to.match(/cell \d+:1:1/)
      .and.not.include("kernel.js")
    expect(await result("spawnSync('false').status")).to.equal("1")
  })

  it("keeps no kernel from ending", async () => {
    const other = await startInstalled(folder)
    const child = `require("node:fs").writeFileSync("last", String(process.pid)); setTimeout(() => {}, 1e6)`
    await other.sendCell(
      `require("node:child_process").spawnSync(process.execPath, ["-e", ${JSON.stringify(child)}])`,
    )
    await waitUntil(async () => (await pidIn("last")) > 0)
    const before = performance.now()
    await other.do("shutdown")
    // Then it would have been killed, with its whole group.
    expect(performance.now() - before).to.be.below(3000)
    await other.close()
    const pid = await pidIn("last")
    await waitUntil(() => !isAlive(pid))
  })
})
