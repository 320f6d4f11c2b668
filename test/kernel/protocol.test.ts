import { expect } from "chai"
import type { KernelClient, KernelMessage } from "../support/kernel-client.ts"
import { type PlainKernel, startPlainKernel } from "./protocol/plain.ts"

/** Message by message, over jupyter_client. What the right answers are was read off ipykernel 7.4. */

const types = (messages: readonly KernelMessage[]) =>
  messages.map(({ type, content }) => (type === "status" ? content.execution_state : type))

describe("Jupyter's messages", () => {
  let plain: PlainKernel
  let kernel: KernelClient

  before(async () => {
    plain = await startPlainKernel()
    kernel = plain.kernel
  })

  after(() => plain?.close())

  describe("execute", () => {
    it("comes as busy, input, result, idle", async () => {
      const { reply, iopub } = await kernel.execute("1 + 1")
      expect(types(iopub)).to.deep.equal(["busy", "execute_input", "execute_result", "idle"])
      const count = reply.content.execution_count
      expect(iopub[1]?.content).to.deep.equal({ code: "1 + 1", execution_count: count })
      expect(iopub[2]?.content).to.deep.equal({
        data: { "text/plain": "2" },
        metadata: {},
        execution_count: count,
      })
      expect(reply.content).to.deep.equal({
        status: "ok",
        execution_count: count,
        user_expressions: {},
        payload: [],
      })
      expect(reply.metadata.started).to.match(/^\d{4}-\d\d-\d\dT/)
    })

    it("counts cells, but neither silent nor unstored nor empty ones", async () => {
      const first = (await kernel.execute("1")).reply.content.execution_count
      for (const [code, options] of [
        ["2", { silent: true }],
        ["3", { store_history: false }],
        [" \n", {}],
      ] as const) {
        expect((await kernel.execute(code, options)).reply.content.execution_count, code).to.equal(first)
      }
      expect((await kernel.execute("4")).reply.content.execution_count).to.equal(first + 1)
    })

    it("shows the output of a silent cell, and neither its input nor its result", async () => {
      const { iopub } = await kernel.execute("console.log('s'); 5", { silent: true })
      expect(types(iopub)).to.deep.equal(["busy", "stream", "idle"])
    })

    it("shows the error of a silent cell and aborts nothing", async () => {
      const failing = await kernel.sendCell("throw new Error('quiet')", { silent: true })
      const next = await kernel.sendCell("1")
      expect(types((await kernel.served(failing)).iopub)).to.deep.equal(["busy", "error", "idle"])
      expect((await kernel.served(next)).reply.content.status).to.equal("ok")
    })

    it("puts an error on iopub and into the reply", async () => {
      const { reply, iopub } = await kernel.execute("null.x")
      expect(types(iopub)).to.deep.equal(["busy", "execute_input", "error", "idle"])
      const { ename, evalue, traceback } = reply.content
      expect(iopub[2]?.content).to.deep.equal({ ename, evalue, traceback })
      expect(ename).to.equal("TypeError")
      expect(reply.content.status).to.equal("error")
      expect(reply.content.execution_count).to.equal(iopub[1]?.content.execution_count)
    })

    it("evaluates user expressions, each with an outcome of its own", async () => {
      const expressions = { good: "x9", bad: "nope", nothing: "undefined" }
      const { reply } = await kernel.execute("x9 = 4", { user_expressions: expressions })
      const { good, bad, nothing } = reply.content.user_expressions
      expect(good).to.deep.equal({ status: "ok", data: { "text/plain": "4" }, metadata: {} })
      expect(bad).to.include({ status: "error", ename: "ReferenceError" })
      expect(nothing.data).to.deep.equal({ "text/plain": "undefined" })
      const failed = await kernel.execute("throw 1", { user_expressions: expressions })
      expect(failed.reply.content.user_expressions).to.deep.equal({})
    })

    it("aborts the cells queued when an error came, and no other request", async () => {
      const ids = [
        await kernel.sendCell("await sleep(100); throw new Error('stop')"),
        await kernel.sendCell("'queued'"),
        await kernel.send("complete_request", { code: "he", cursor_pos: 2 }),
        await kernel.sendCell("'queued, too'"),
      ]
      const served = await Promise.all(ids.map((id) => kernel.served(id)))
      expect(served.map(({ reply }) => reply.content.status)).to.deep.equal([
        "error",
        "aborted",
        "ok",
        "aborted",
      ])
      expect(types(served[1]?.iopub ?? [])).to.deep.equal(["busy", "idle"])
      expect(served[1]?.reply.content).to.deep.equal({ status: "aborted" })
      expect((await kernel.execute("'after'")).reply.content.status).to.equal("ok")
    })

    it("runs what is queued behind an error where stop_on_error is false", async () => {
      const failing = await kernel.sendCell("await sleep(50); throw 1", { stop_on_error: false })
      const next = await kernel.sendCell("2")
      await kernel.served(failing)
      expect((await kernel.served(next)).reply.content.status).to.equal("ok")
    })

    it("says what is wrong with a request without code", async () => {
      const { reply, iopub } = await kernel.request("execute_request", {})
      expect(reply.content.evalue).to.equal(`"code" of execute_request is missing; it takes a string`)
      expect(types(iopub)).to.deep.equal(["busy", "error", "idle"])
    })

    it("answers NAME? and ?NAME with a page for the pager", async () => {
      const { reply, iopub } = await kernel.execute("sleep?")
      expect(reply.content.payload).to.deep.equal([
        { source: "page", data: { "text/plain": "sleep (0)" }, start: 0 },
      ])
      expect(types(iopub)).to.deep.equal(["busy", "execute_input", "idle"])
      const asked = await kernel.execute("?sleep")
      expect(asked.reply.content.payload).to.deep.equal(reply.content.payload)
      const detailed = await kernel.execute("sleep??")
      expect(detailed.reply.content.payload[0].data["text/plain"]).to.equal("sleep (1)")
      const unknown = await kernel.execute("nowhere?")
      expect(unknown.iopub[2]?.content.data["text/plain"]).to.equal("Object `nowhere` not found.")
    })
  })

  describe("output", () => {
    it("keeps the order of streams, displays and results", async () => {
      const { iopub } = await kernel.execute(`
        console.log('a'); console.error('b'); console.log('c')
        display({ data: { 'text/plain': 'd' } })
        process.stdout.write('e'); 6`)
      expect(
        iopub.slice(2, -1).map(({ content }) => content.text ?? content.data["text/plain"]),
      ).to.deep.equal(["a\n", "b\n", "c\n", "d", "e", "6"])
    })

    it("gathers many writes into few messages and loses nothing", async () => {
      const { iopub } = await kernel.execute("for (let i = 0; i < 20000; i++) console.log(i)")
      const streams = iopub.filter(({ type }) => type === "stream")
      const text = streams.map(({ content }) => content.text).join("")
      expect(text).to.equal(Array.from({ length: 20_000 }, (_, i) => `${i}\n`).join(""))
      expect(streams.length).to.be.below(200)
    })

    it("comes while a cell keeps the thread busy", async () => {
      const id = await kernel.sendCell(
        "console.log('first'); const end = Date.now() + 1500; while (Date.now() < end);",
      )
      const sentAt = Date.now()
      await kernel.message(({ type, parent }) => type === "stream" && parent === id)
      expect(Date.now() - sentAt).to.be.below(1000)
      await kernel.served(id)
    })

    it("updates a display by its id, and clears", async () => {
      const { iopub } = await kernel.execute(`
        display({ data: { 'text/plain': '1' }, metadata: { a: 1 }, displayId: 'd' })
        update({ data: { 'text/plain': '2' }, displayId: 'd' })
        clear(true)`)
      expect(iopub.slice(2, -1).map(({ type, content }) => [type, content])).to.deep.equal([
        ["display_data", { data: { "text/plain": "1" }, metadata: { a: 1 }, transient: { display_id: "d" } }],
        [
          "update_display_data",
          { data: { "text/plain": "2" }, metadata: {}, transient: { display_id: "d" } },
        ],
        ["clear_output", { wait: true }],
      ])
    })

    it("is cleared by console.clear()", async () => {
      const { iopub } = await kernel.execute("console.log('a'); console.clear()")
      expect(types(iopub)).to.deep.equal(["busy", "execute_input", "stream", "clear_output", "idle"])
    })

    it("sends bytes of an image as base64, and says what cannot be displayed", async () => {
      const image = await kernel.execute("display({ data: { 'image/png': new Uint8Array([1, 2, 3]) } })")
      expect(image.iopub[2]?.content.data["image/png"]).to.equal("AQID")
      const circle = await kernel.execute(
        "const o = {}; o.o = o; display({ data: { 'application/json': o } })",
      )
      expect(circle.reply.content.status).to.equal("ok")
      expect(circle.iopub[2]?.content.text).to.match(/Nothing can be displayed that is not JSON/)
    })

    it("goes to the cell that started it, also when others have run since", async () => {
      const old = await kernel.execute(`
        setTimeout(() => console.log('from a timer'), 150)
        sleep(160).then(() => console.log('from a promise'))
        const interval = setInterval(() => { clearInterval(interval); console.log('from an interval') }, 170)
        0`)
      await kernel.execute("console.log('newer')")
      await kernel.message(({ content }) => /from an interval/.test(content.text ?? ""))
      const late = kernel.iopub(old.id).filter(({ type }) => type === "stream")
      expect(late.map(({ content }) => content.text).join("")).to.equal(
        "from a timer\nfrom a promise\nfrom an interval\n",
      )
    })

    it("has whole characters only, because no notebook with half of one can be saved", async () => {
      const { iopub, reply } = await kernel.execute(
        "console.log('😀'[0] + '😀' + String.raw`\\ud83d \\\\ud83d`); throw new Error('😀'[1])",
      )
      const text = iopub.find(({ type }) => type === "stream")?.content.text
      expect(text).to.equal(`${String.raw`�😀\ud83d \\ud83d`}\n`)
      expect(reply.content.evalue).to.equal("�")
    })

    it("decodes characters that are split between writes of bytes", async () => {
      const { iopub } = await kernel.execute(`
        const bytes = Buffer.from('é😀')
        for (const byte of bytes) process.stdout.write(Uint8Array.of(byte)); undefined`)
      const text = iopub.filter(({ type }) => type === "stream").map(({ content }) => content.text)
      expect(text.join("")).to.equal("é😀")
    })
  })

  describe("failures outside of a cell's own run", () => {
    it("are shown in the cell they belong to and end nothing", async () => {
      const cells = [
        await kernel.execute("Promise.reject(new Error('nobody waits')); 0"),
        await kernel.execute("setTimeout(() => { throw new Error('thrown late') }, 20); 0"),
      ]
      await kernel.execute("await sleep(100)")
      for (const [index, text] of ["nobody waits", "thrown late"].entries()) {
        const id = cells[index]?.id ?? ""
        const shown = await kernel.message(({ type, parent }) => type === "stream" && parent === id)
        expect(shown.content).to.include({ name: "stderr" })
        expect(shown.content.text).to.include(text)
      }
    })
  })

  describe("questions about code", () => {
    it("complete: positions are code points, types are told", async () => {
      const code = "'😀😀'; he"
      const { reply } = await kernel.request("complete_request", { code, cursor_pos: [...code].length })
      expect(reply.content).to.deep.equal({
        status: "ok",
        matches: ["hello"],
        cursor_start: [...code].length - 2,
        cursor_end: [...code].length,
        metadata: {
          _jupyter_types_experimental: [
            {
              start: [...code].length - 2,
              end: [...code].length,
              text: "hello",
              type: "function",
              signature: "(): void",
            },
          ],
        },
      })
    })

    it("inspect: found with detail, or not found", async () => {
      const code = "'😀'; sleep"
      const found = await kernel.request("inspect_request", {
        code,
        cursor_pos: [...code].length,
        detail_level: 1,
      })
      expect(found.reply.content).to.deep.equal({
        status: "ok",
        found: true,
        data: { "text/plain": "sleep (1)" },
        metadata: {},
      })
      const none = await kernel.request("inspect_request", { code: "zzz", cursor_pos: 3, detail_level: 0 })
      expect(none.reply.content).to.deep.equal({ status: "ok", found: false, data: {}, metadata: {} })
    })

    it("is_complete: with the indent where more is wanted", async () => {
      const ask = async (code: string) =>
        (await kernel.request("is_complete_request", { code })).reply.content
      expect(await ask("for (;;) {")).to.deep.equal({ status: "incomplete", indent: "  " })
      expect(await ask("1")).to.deep.equal({ status: "complete" })
      expect(await ask(")")).to.deep.equal({ status: "invalid" })
    })
  })

  describe("the kernel itself", () => {
    it("tells what it is, alike on shell and control", async () => {
      const { reply } = await kernel.request("kernel_info_request", {})
      expect(reply.content).to.include({ status: "ok", protocol_version: "5.4", implementation: "cellfan" })
      expect(reply.content.language_info).to.include({
        name: "typescript",
        file_extension: ".ts",
        mimetype: "application/typescript",
        pygments_lexer: "typescript",
      })
      expect(reply.content.language_info.version).to.match(/^\d+\.\d+\.\d+/)
      const control = await kernel.request("kernel_info_request", {}, { channel: "control" })
      expect(control.reply.content).to.deep.equal(reply.content)
      expect(control.reply.channel).to.equal("control")
    })

    it("tells its ports", async () => {
      const { reply } = await kernel.request("connect_request", {}, { channel: "control" })
      expect(reply.content.status).to.equal("ok")
      expect(reply.content).to.have.all.keys(
        "status",
        "shell_port",
        "iopub_port",
        "stdin_port",
        "hb_port",
        "control_port",
      )
      const shell = await kernel.request("connect_request", {})
      expect(shell.reply.content).to.deep.equal(reply.content)
    })

    it("answers a debugger that there is none", async () => {
      const content = { type: "request", seq: 7, command: "initialize", arguments: {} }
      const { reply } = await kernel.request("debug_request", content, { channel: "control" })
      expect(reply.content).to.include({
        type: "response",
        request_seq: 7,
        success: false,
        command: "initialize",
      })
    })

    it("passes over requests it does not know, between busy and idle", async () => {
      const id = await kernel.send("no_such_request", {})
      await kernel.until(() => kernel.iopub(id).length === 2)
      expect(types(kernel.iopub(id))).to.deep.equal(["busy", "idle"])
      await kernel.until(() => kernel.stderr.includes("Unknown message type: no_such_request"))
    })

    it("welcomes a subscriber", async () => {
      expect(await kernel.do("welcome", { topic: "" })).to.deep.equal({
        type: "iopub_welcome",
        content: { subscription: "" },
      })
    })
  })
})
