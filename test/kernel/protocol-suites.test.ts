import { spawn } from "node:child_process"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import { dist, venvPython } from "../../scripts/util/paths.mjs"
import { KernelClient } from "../support/kernel-client.ts"
import { root } from "../support/repository.ts"

/** The kernel as it is installed: Jupyter's own conformance suite, a flood of broken messages, and interrupts of real cells. */

const command = [process.execPath, join(dist, "kernel.js")]

function python(
  script: string,
  args: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const path = join(root, "test", "kernel", "protocol", script)
  const child = spawn(process.env.CELLFAN_PYTHON ?? venvPython, [path, ...args], {
    env: { ...process.env, CELLFAN_HISTORY: "" },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let [stdout, stderr] = ["", ""]
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text
  })
  return new Promise((resolve, reject) => {
    child.on("error", reject)
    child.on("close", (code) => resolve({ code: code ?? 1, stdout, stderr }))
  })
}

describe("The installed kernel", () => {
  it("passes jupyter_kernel_test with every capability declared", async () => {
    const { code, stderr } = await python("kernel_tests.py", command)
    expect(code, stderr).to.equal(0)
    expect(stderr).to.match(/Ran 13 tests/)
    expect(stderr).not.to.match(/skipped/)
  }).timeout(180_000)

  it("answers after 10 000 random valid and broken messages with interrupts among them", async () => {
    const seed = Math.floor(Math.random() * 1e9)
    const { code, stdout, stderr } = await python("flood.py", [String(seed), "10000", ...command])
    expect(code, `seed ${seed}\n${stderr.slice(-3000)}`).to.equal(0)
    const { answers, alive, memoryMiB } = JSON.parse(stdout)
    expect({ answers, alive }).to.deep.equal({ answers: 20, alive: true })
    expect(memoryMiB).to.be.below(800)
  }).timeout(300_000)

  describe("interrupted", () => {
    let kernel: KernelClient

    before(async () => {
      kernel = await KernelClient.start({ command })
      const { reply } = await kernel.request("execute_request", cell("let kept = 41"), { limitMs: 60_000 })
      expect(reply.content.status).to.equal("ok")
    }).timeout(90_000)

    after(() => kernel?.close())

    const cell = (code: string) => ({ code, silent: false, store_history: true })

    const cells: Readonly<Record<string, string>> = {
      "a loop": "while (true) {}",
      "an await": "await new Promise(() => {})",
      "a loop of awaits": "while (true) await new Promise((go) => setTimeout(go, 1))",
      "a loop after an await": "await new Promise((go) => setTimeout(go, 10))\nwhile (true) {}",
      "a loop in an async function":
        "async function spin() {\n  await null\n  while (true) {}\n}\nawait spin()",
      "a loop in a timer": "setTimeout(() => { while (true) {} }, 10)\nawait new Promise(() => {})",
    }

    for (const [name, code] of Object.entries(cells)) {
      it(`in ${name}, ends the cell and keeps its state`, async () => {
        const id = await kernel.send("execute_request", cell(code))
        await kernel.until(() => kernel.iopub(id).length >= 2)
        await sleep(800)
        await kernel.do("interrupt")
        const { reply } = await kernel.served(id)
        expect(reply.content).to.include({ status: "error", ename: "KeyboardInterrupt" })
        const { iopub } = await kernel.execute("console.log(kept + 1)")
        expect(iopub.find(({ type }) => type === "stream")?.content.text).to.equal("42\n")
      })
    }

    it("in a loop, keeps what its variables had come to", async () => {
      const code =
        "let turns = 0\nlet last = ''\nconst note = (n: number) => { for (;;) if (n < 0) break }\n" +
        "while (true) { turns++; last = String(turns); if (turns === 1e6) note(turns) }"
      const id = await kernel.send("execute_request", cell(code))
      await kernel.until(() => kernel.iopub(id).length >= 2)
      await sleep(800)
      await kernel.do("interrupt")
      expect((await kernel.served(id)).reply.content.ename).to.equal("KeyboardInterrupt")
      const { iopub } = await kernel.execute("[turns, last]")
      const result = iopub.find(({ type }) => type === "execute_result")
      expect(result?.content.data["text/plain"]).to.equal("[ 1000000, '1000000' ]")
    })

    it("by a signal, in a loop after an await, ends the cell", async () => {
      const id = await kernel.send("execute_request", cell("await null\nwhile (true) {}"))
      await kernel.until(() => kernel.iopub(id).length >= 2)
      await sleep(500)
      process.kill(kernel.pid, "SIGINT")
      expect((await kernel.served(id)).reply.content.ename).to.equal("KeyboardInterrupt")
    })

    it("while it loads the compiler, ends no request half way", async () => {
      const cold = await KernelClient.start({ command })
      try {
        const asked = await Promise.all([
          cold.send("complete_request", { code: "Mat", cursor_pos: 3 }),
          cold.send("inspect_request", { code: "Math", cursor_pos: 4, detail_level: 0 }),
          cold.send("is_complete_request", { code: "1 +" }),
        ])
        for (let i = 0; i < 4; i++) {
          await cold.do("interrupt")
          await sleep(250)
        }
        const replies = await Promise.all(asked.map((id) => cold.served(id, 60_000)))
        expect(replies.map(({ reply }) => reply.content.status)).to.deep.equal(["ok", "ok", "incomplete"])
        expect((await cold.execute("40 + 2")).reply.content.status).to.equal("ok")
      } finally {
        await cold.close()
      }
    }).timeout(90_000)

    it("in a map, cancels the job and keeps the executor", async () => {
      const started = await kernel.execute(`
        import { LocalhostExecutor } from "cellfan"
        const fexec = new LocalhostExecutor({ workers: 2 })
        const first = await fexec.map((n: number) => n + 1, [1, 2])
        console.log(first)`)
      expect(started.reply.content.status, JSON.stringify(started.reply.content)).to.equal("ok")
      const id = await kernel.send(
        "execute_request",
        cell(`
        const job = fexec.map(async (n: number) => { await new Promise((go) => setTimeout(go, 60_000)); return n }, [1, 2, 3, 4])
        await job`),
      )
      await kernel.until(() => kernel.iopub(id).length >= 2)
      await sleep(1500)
      await kernel.do("interrupt")
      expect((await kernel.served(id)).reply.content.ename).to.equal("KeyboardInterrupt")
      const after = await kernel.execute(`
        console.log(job.tasks.map((task) => task.state).join())
        console.log(await fexec.map((n: number) => n * 2, [1, 2, 3]))
        await fexec.close()`)
      const text = after.iopub
        .filter(({ type }) => type === "stream")
        .map(({ content }) => content.text)
        .join("")
      expect(text, JSON.stringify(after.reply.content)).to.equal(
        "cancelled,cancelled,cancelled,cancelled\n[ 2, 4, 6 ]\n",
      )
    }).timeout(60_000)
  })
})
