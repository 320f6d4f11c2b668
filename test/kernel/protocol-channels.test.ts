import { mkdtemp, readFile, rm } from "node:fs/promises"
import { availableParallelism, hostname as nameOfHost, tmpdir, totalmem } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import { KernelClient } from "../support/kernel-client.ts"
import { isAlive, waitUntil } from "../support/processes.ts"
import { type PlainKernel, startPlainKernel } from "./protocol/plain.ts"

/** Comms, questions to the user, history, and how a kernel ends. */

describe("Beside cells", () => {
  let plain: PlainKernel
  let kernel: KernelClient
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cellfan-protocol-"))
    plain = await startPlainKernel()
    kernel = plain.kernel
  })

  after(async () => {
    await plain?.close()
    await rm(folder, { recursive: true, force: true })
  })

  describe("usage_request", () => {
    it("is answered while a cell loops, in the fields that ipykernel has", async () => {
      const cell = await kernel.sendCell("globalThis.kept = Buffer.alloc(5e7, 1); for (;;);")
      await kernel.until(() => kernel.iopub(cell).length >= 2)
      await kernel.request("usage_request", {}, { channel: "control" })
      await sleep(500)
      const { reply } = await kernel.request("usage_request", {}, { channel: "control" })
      await kernel.do("interrupt")
      await kernel.served(cell)
      const { hostname, pid, kernel_cpu, kernel_memory, host_cpu_percent, cpu_count, host_virtual_memory } =
        reply.content
      expect(reply.type).to.equal("usage_reply")
      expect({ hostname, pid, cpu_count }).to.deep.equal({
        hostname: nameOfHost(),
        pid: kernel.pid,
        cpu_count: availableParallelism(),
      })
      expect(kernel_cpu).to.be.within(5, 400)
      expect(kernel_memory).to.be.within(5e7, 2e9)
      expect(host_cpu_percent).to.be.within(1, 100)
      expect(host_virtual_memory.total).to.equal(totalmem())
      expect(host_virtual_memory.used + host_virtual_memory.available).to.equal(totalmem())
    })
  })

  describe("subshells", () => {
    it("are refused, and no feature of the kernel", async () => {
      const info = await kernel.request("kernel_info_request", {}, { channel: "control" })
      expect(info.reply.content.supported_features).to.deep.equal([])
      for (const verb of ["create", "delete", "list"]) {
        const type = `${verb}_subshell_request`
        const { reply } = await kernel.request(type, { subshell_id: "x" }, { channel: "control" })
        expect(reply.type).to.equal(`${verb}_subshell_reply`)
        expect(reply.content).to.include({ status: "error", ename: "NotSupportedError" })
      }
    })
  })

  describe("standard output and error of the process", () => {
    const child = "process.getBuiltinModule('child_process')"
    const cases: Readonly<Record<string, [code: string, name: string]>> = {
      "spawnSync that inherits": [`${child}.spawnSync('echo', ['out'], { stdio: 'inherit' }); 0`, "stdout"],
      "execSync's stderr": [`${child}.execSync('echo out >&2'); 0`, "stderr"],
      "spawn that inherits": [
        `await new Promise((go) => ${child}.spawn('echo', ['out'], { stdio: 'inherit' }).on('close', go))`,
        "stdout",
      ],
      "a child of a child": [`${child}.execSync("sh -c 'echo out'", { stdio: 'inherit' }); 0`, "stdout"],
      "a fork": [
        `await new Promise((go) => ${child}.spawn(process.execPath, ['-e', 'console.log("out")'], ` +
          "{ stdio: ['ignore', 1, 2] }).on('close', go))",
        "stdout",
      ],
      "fs.writeSync to 1": ["process.getBuiltinModule('fs').writeSync(1, 'out\\n'); 0", "stdout"],
      "fs.writeSync to 2": ["process.getBuiltinModule('fs').writeSync(2, 'out\\n'); 0", "stderr"],
    }
    for (const [name, [code, stream]] of Object.entries(cases)) {
      it(`${name}: comes as a stream of the cell, before its end`, async () => {
        const { iopub } = await kernel.execute(code)
        const streams = iopub.filter(({ type }) => type === "stream").map(({ content }) => content)
        expect(streams, JSON.stringify(iopub)).to.deep.equal([{ name: stream, text: "out\n" }])
        expect(iopub.at(-1)?.content.execution_state).to.equal("idle")
      })
    }

    it("belongs to the cell that wrote it, however quickly the next follows", async () => {
      const cells = await Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          kernel.sendCell(`process.getBuiltinModule('fs').writeSync(1, '${index}\\n'); 0`),
        ),
      )
      for (const [index, cell] of cells.entries()) {
        const { iopub } = await kernel.served(cell)
        const streams = iopub.filter(({ type }) => type === "stream").map(({ content }) => content.text)
        expect(streams).to.deep.equal([`${index}\n`])
      }
    })

    it("a megabyte of it comes whole, also where it is written at once", async () => {
      const { iopub } = await kernel.execute(
        `${child}.execSync('yes abcdefg | head -c 1000000', { stdio: 'inherit' }); 0`,
      )
      const text = iopub.filter(({ type }) => type === "stream").map(({ content }) => content.text)
      expect(text.join("")).to.equal("abcdefg\n".repeat(125_000))
    })

    it("leaves the kernel's own log to whoever started it", async () => {
      await kernel.send("no_such_request", {})
      await kernel.until(() => kernel.stderr.includes("Unknown message type: no_such_request"))
    })
  })

  describe("comms", () => {
    const comm = (type: string) => kernel.messages.filter((message) => message.type === type)

    it("open, answer with binary buffers, are listed and close", async () => {
      const open = await kernel.send("comm_open", { comm_id: "c1", target_name: "echo", data: { a: 1 } })
      const opened = await kernel.message(({ type, parent }) => type === "comm_msg" && parent === open)
      expect(opened.content).to.deep.equal({ comm_id: "c1", data: { opened: { a: 1 } } })
      const buffers = [Buffer.from([0, 255, 7]).toString("base64"), ""]
      const sent = await kernel.send("comm_msg", { comm_id: "c1", data: { b: 2 } }, { buffers })
      const echoed = await kernel.message(({ type, parent }) => type === "comm_msg" && parent === sent)
      expect(echoed.content).to.deep.equal({ comm_id: "c1", data: { echo: { b: 2 } } })
      expect(echoed.buffers).to.deep.equal(buffers)
      const listed = await kernel.request("comm_info_request", {})
      expect(listed.reply.content).to.deep.equal({ status: "ok", comms: { c1: { target_name: "echo" } } })
      const others = await kernel.request("comm_info_request", { target_name: "other" })
      expect(others.reply.content.comms).to.deep.equal({})
      await kernel.send("comm_close", { comm_id: "c1", data: {} })
      const after = await kernel.request("comm_info_request", {})
      expect(after.reply.content.comms).to.deep.equal({})
    })

    it("are served at once while a cell awaits", async () => {
      const cell = await kernel.sendCell("await sleep(1500)")
      await kernel.until(() => kernel.iopub(cell).length >= 2)
      const before = performance.now()
      const open = await kernel.send("comm_open", { comm_id: "c2", target_name: "echo", data: {} })
      await kernel.message(({ type, parent }) => type === "comm_msg" && parent === open)
      expect(performance.now() - before).to.be.below(700)
      const info = await kernel.request("comm_info_request", {})
      expect(Object.keys(info.reply.content.comms)).to.deep.equal(["c2"])
      expect(kernel.iopub(cell).at(-1)?.content, "the kernel still shows as busy").to.deep.equal({
        execution_state: "busy",
      })
      expect((await kernel.served(cell)).reply.content.status).to.equal("ok")
    })

    it("of an unknown target are closed, with a word on stderr", async () => {
      const id = await kernel.send("comm_open", { comm_id: "c3", target_name: "nosuch", data: {} })
      await kernel.until(() => kernel.iopub(id).at(-1)?.content.execution_state === "idle")
      expect(kernel.iopub(id).map(({ type }) => type)).to.deep.equal([
        "status",
        "stream",
        "comm_close",
        "status",
      ])
      expect(kernel.iopub(id)[1]?.content.text).to.equal("No such comm target registered: nosuch\n")
    })

    it("whose target fails are closed, and the kernel lives", async () => {
      const id = await kernel.send("comm_open", { comm_id: "c4", target_name: "failing", data: {} })
      const closed = await kernel.message(({ type, parent }) => type === "comm_close" && parent === id)
      expect(closed.content.comm_id).to.equal("c4")
      const said = await kernel.message(({ type, parent }) => type === "stream" && parent === id)
      expect(said.content.text).to.include("not today")
    })

    it("open from the kernel's side and hear the front end", async () => {
      const cell = await kernel.execute(`
        globalThis.heard = []
        const one = comms.open('mine', { hello: 1 }, [new Uint8Array([9])], { version: '2' })
        one.onMessage((data) => heard.push(data)); one.onClose(() => heard.push('closed')); one.id`)
      const opened = comm("comm_open").find(({ parent }) => parent === cell.id)
      expect(opened?.content).to.deep.include({ target_name: "mine", data: { hello: 1 } })
      expect(opened?.metadata).to.include({ version: "2" })
      expect(opened?.buffers).to.deep.equal(["CQ=="])
      const comm_id = opened?.content.comm_id
      await kernel.send("comm_msg", { comm_id, data: { x: 1 } })
      await kernel.send("comm_close", { comm_id, data: {} })
      const { iopub } = await kernel.execute("JSON.stringify(heard)")
      expect(iopub[2]?.content.data["text/plain"]).to.equal(`'[{"x":1},"closed"]'`)
    })

    it("that are not open are passed over", async () => {
      await kernel.send("comm_msg", { comm_id: "none", data: {} })
      await kernel.send("comm_msg", { data: {} })
      expect((await kernel.execute("1")).reply.content.status).to.equal("ok")
    })
  })

  describe("questions to the user", () => {
    const answer = async (cell: string, value: string) => {
      const question = await kernel.message(({ channel, parent }) => channel === "stdin" && parent === cell)
      await kernel.send("input_reply", { value, status: "ok" }, { channel: "stdin" })
      return question.content
    }
    const shown = async (cell: string) =>
      (await kernel.served(cell)).iopub.find(({ type }) => type === "execute_result")?.content.data[
        "text/plain"
      ]

    it("input waits for a line, and cells may go on meanwhile", async () => {
      const cell = await kernel.sendCell("return await input('Name? ')", { allow_stdin: true })
      expect(await answer(cell, "Ada")).to.deep.equal({ prompt: "Name? ", password: false })
      expect(await shown(cell)).to.equal("'Ada'")
    })

    it("password does not show what is typed", async () => {
      const cell = await kernel.sendCell("return await password('Key: ')", { allow_stdin: true })
      expect(await answer(cell, "s3cret")).to.deep.equal({ prompt: "Key: ", password: true })
      expect(await shown(cell)).to.equal("'s3cret'")
    })

    it("prompt answers without await, as in a browser", async () => {
      const cell = await kernel.sendCell("[prompt('Age?'), 'then'].join()", { allow_stdin: true })
      await answer(cell, "36")
      expect(await shown(cell)).to.equal("'36,then'")
      const empty = await kernel.sendCell("prompt('Age?', '18')", { allow_stdin: true })
      await answer(empty, "")
      expect(await shown(empty)).to.equal("'18'")
    })

    it("two at once come one after the other", async () => {
      const cell = await kernel.sendCell("return (await Promise.all([input('1'), input('2')])).join()", {
        allow_stdin: true,
      })
      const questions = () =>
        kernel.messages.filter(({ channel, parent }) => channel === "stdin" && parent === cell)
      await kernel.until(() => questions().length === 1)
      await kernel.send("input_reply", { value: "a" }, { channel: "stdin" })
      await kernel.until(() => questions().length === 2)
      await kernel.send("input_reply", { value: "b" }, { channel: "stdin" })
      expect(await shown(cell)).to.equal("'a,b'")
    })

    it("are refused where nobody can be asked", async () => {
      for (const code of ["await input()", "prompt()", "await password()"]) {
        const { reply } = await kernel.execute(code, { allow_stdin: false })
        expect(reply.content.ename, code).to.equal("StdinNotImplementedError")
      }
    })

    for (const code of ["await input('?')", "prompt('?')"]) {
      it(`end with an interrupt: ${code}`, async () => {
        const cell = await kernel.sendCell(code, { allow_stdin: true })
        await kernel.message(({ channel, parent }) => channel === "stdin" && parent === cell)
        await kernel.do("interrupt")
        expect((await kernel.served(cell)).reply.content.ename).to.equal("KeyboardInterrupt")
        expect((await kernel.execute("1")).reply.content.status).to.equal("ok")
      })
    }

    it("show what was printed before them", async () => {
      const cell = await kernel.sendCell("console.log('first'); prompt('?')", { allow_stdin: true })
      await answer(cell, "x")
      const { iopub } = await kernel.served(cell)
      expect(iopub.find(({ type }) => type === "stream")?.content.text).to.equal("first\n")
    })
  })

  describe("history", () => {
    it("is kept in a file and found again by the next kernel", async () => {
      const file = join(folder, "deep", "history.jsonl")
      const env = { CELLFAN_HISTORY: file }
      const first = await KernelClient.start({ command: plain.command, env })
      await first.execute("'alpha'")
      await first.execute("'beta'")
      await first.execute("'hidden'", { silent: true })
      await first.execute("'not stored'", { store_history: false })
      await first.close()
      expect((await readFile(file, "utf8")).trim().split("\n")).to.have.lengthOf(4)

      const second = await KernelClient.start({ command: plain.command, env })
      const ask = async (content: object) =>
        (await second.request("history_request", { raw: true, output: false, ...content })).reply.content
          .history
      await second.execute("'gamma'")
      await second.execute("'beta'")
      expect(await ask({ hist_access_type: "tail", n: 3 })).to.deep.equal([
        [1, 2, "'beta'"],
        [2, 1, "'gamma'"],
        [2, 2, "'beta'"],
      ])
      expect(await ask({ hist_access_type: "tail", n: 1, output: true })).to.deep.equal([
        [2, 2, ["'beta'", "'beta'"]],
      ])
      expect(await ask({ hist_access_type: "range", session: 0, start: 1, stop: 2 })).to.deep.equal([
        [2, 1, "'gamma'"],
      ])
      expect(await ask({ hist_access_type: "range", session: -1, start: 1 })).to.deep.equal([
        [1, 1, "'alpha'"],
        [1, 2, "'beta'"],
      ])
      expect(await ask({ hist_access_type: "range", session: 1, start: 2, stop: 9 })).to.deep.equal([
        [1, 2, "'beta'"],
      ])
      const search = { hist_access_type: "search", pattern: "*et*" }
      expect(await ask(search)).to.deep.equal([
        [1, 2, "'beta'"],
        [2, 2, "'beta'"],
      ])
      expect(await ask({ ...search, unique: true })).to.deep.equal([[2, 2, "'beta'"]])
      expect(await ask({ ...search, n: 1 })).to.deep.equal([[2, 2, "'beta'"]])
      expect(await ask({ ...search, pattern: "'[ag]???a'" })).to.deep.equal([
        [1, 1, "'alpha'"],
        [2, 1, "'gamma'"],
      ])
      const wrong = await second.request("history_request", { hist_access_type: "sideways" })
      expect(wrong.reply.content.status).to.equal("error")
      expect(wrong.reply.content.evalue).to.include(`takes "tail", "range" or "search"`)
      await second.close()
    })
  })

  describe("the end", () => {
    const start = () => KernelClient.start({ command: plain.command })
    /** Asked of its parent, which also takes the ended process off the system's list. */
    const ended = async (kernel: KernelClient) => {
      for (let left = 50; left > 0 && (await kernel.do("alive")); left--) await sleep(100)
      expect(await kernel.do("alive"), "alive").to.equal(false)
    }

    it("by shutdown comes with a reply, on iopub too, and leaves no process", async () => {
      const own = await start()
      const { reply } = await own.request("shutdown_request", { restart: false }, { channel: "control" })
      expect(reply.content).to.deep.equal({ status: "ok", restart: false })
      await own.message(({ type, channel }) => type === "shutdown_reply" && channel === "iopub")
      await ended(own)
      await own.close()
    })

    it("comes also where a cell loops for ever", async () => {
      const own = await start()
      const cell = await own.sendCell("await null; for (;;);")
      await own.until(() => own.iopub(cell).length >= 2)
      await own.send("shutdown_request", { restart: true }, { channel: "control" })
      const reply = await own.message(
        ({ type, channel }) => type === "shutdown_reply" && channel === "control",
      )
      expect(reply.content.restart).to.equal(true)
      await ended(own)
      await own.close()
    })

    it("by process.exit is told to the cell, and what was printed is not lost", async () => {
      const own = await start()
      const id = await own.sendCell(
        `console.log('last words'); await sleep(30); process.getBuiltinModule('fs').writeSync(2, 'of all\\n')
        setTimeout(() => process.exit(3), 50); await sleep(1e6)`,
      )
      const queued = await own.sendCell("'queued'")
      const { reply, iopub } = await own.served(id)
      expect(reply.content).to.include({
        status: "error",
        ename: "KernelExit",
        evalue: "process.exit(3) ended the kernel",
      })
      expect(iopub.map(({ type }) => type)).to.deep.equal([
        "status",
        "execute_input",
        "stream",
        "stream",
        "error",
        "status",
      ])
      expect((await own.served(queued)).reply.content.status).to.equal("aborted")
      await ended(own)
      await own.close()
    })

    it("comes when the process that started the kernel has gone", async () => {
      const own = await start()
      await own.sendCell("await null; for (;;);")
      await sleep(200)
      own.killDriver()
      await waitUntil(() => !isAlive(own.pid), 10_000)
    })

    it("by restart gives a fresh kernel to the same client", async () => {
      const own = await start()
      await own.execute("globalThis.old = 1")
      await own.do("restart")
      const { iopub } = await own.execute("typeof globalThis.old")
      expect(iopub[2]?.content).to.deep.include({ execution_count: 1, data: { "text/plain": "'undefined'" } })
      await own.close()
    })
  })
})
