import { expect } from "chai"
import { type Notebook, openNotebook } from "../open-notebook.ts"

describe("Magics before the interpreter", function () {
  this.timeout(60_000)
  let notebook: Notebook

  before(async () => {
    notebook = openNotebook({ magics: true })
    await notebook.text(
      "const words = ['a', 'bb', 'ccc']\nconst sum = (ns: number[]) => ns.reduce((a, b) => a + b, 0)",
    )
    await notebook.text("%LocalhostExecutor --workers 2")
  })
  after(() => notebook.close())
  beforeEach(() => {
    notebook.streamed.length = 0
    notebook.displayed.length = 0
  })

  it("bind an executor to a typed variable and say so in one line", async () => {
    await notebook.text("%LocalhostExecutor --workers 1 --name pool")
    expect(notebook.streamed).to.deep.equal(["LocalhostExecutor with 1 worker on localhost, as pool.\n"])
    expect(notebook.complete("pool.ma|")).to.include("map")
    expect(
      await notebook.text(
        "const lengths: number[] = await pool.map((w: string) => w.length, words)\nlengths",
      ),
    ).to.equal("[ 1, 2, 3 ]")
    await notebook.text("%LocalhostExecutor --workers 2")
  })

  it("give each kind of executor its own type", async () => {
    await notebook.text("%FunctionExecutor --mode localhost --name anywhere")
    const { traceback } = await notebook.failure("const n: number = anywhere")
    expect(traceback).to.include("Type 'FunctionExecutor' is not assignable to type 'number'")
    expect((await notebook.failure("%FunctionExecutor --mode lcalhost")).message).to.include(
      'argument --mode takes "localhost", "serverless" or "standalone", but got \'lcalhost\'',
    )
    await notebook.text("%LocalhostExecutor --workers 2")
  })

  it("keep an executor whose options did not change, with its workers", async () => {
    await notebook.text("%LocalhostExecutor --workers 1 --name kept\nconst first = kept")
    expect(await notebook.text("%LocalhostExecutor --workers 1 --name kept\nfirst === kept")).to.equal("true")
    expect(await notebook.text("%LocalhostExecutor --workers 2 --name kept\nfirst === kept")).to.equal(
      "false",
    )
    await notebook.text("%LocalhostExecutor --workers 2")
  })

  it("run a cell once for each element, into a typed variable", async () => {
    const cell = "%%LocalhostExecutor --map words --as word --into lengths2\nconst n = word.length\nn * 2"
    expect(await notebook.text(cell)).to.equal(undefined)
    expect(await notebook.text("const typed: number[] = lengths2\ntyped")).to.equal("[ 2, 4, 6 ]")
    const { traceback } = await notebook.failure("const wrong: string[] = lengths2")
    expect(traceback).to.include("Type 'number[]' is not assignable to type 'string[]'")
  })

  it("run a cell once, in another process", async () => {
    expect(await notebook.text("%%LocalhostExecutor\n[typeof ctx.random(), process.pid]")).not.to.include(
      String(process.pid),
    )
  })

  it("reduce", async () => {
    expect(
      await notebook.text("%%LocalhostExecutor --map words --as word --reduce sum\nword.length"),
    ).to.equal("6")
  })

  it("check types of the body on the lines as typed", async () => {
    const { traceback } = await notebook.failure(
      "%%LocalhostExecutor --map words --as word\nconst n: string = word.length\nn",
    )
    expect(traceback).to.match(/2:7.*Type 'number' is not assignable to type 'string'/)
    expect(traceback).to.include("%%LocalhostExecutor --map words --as word")
    expect(traceback).not.to.include("__cellfan")
    const wrongItems = await notebook.failure("%%LocalhostExecutor --map 5\nitem")
    expect(wrongItems.traceback).to.match(/1:27.*'number' is not assignable/)
  })

  it("give errors of tasks on the cell's own lines", async () => {
    const { name, traceback } = await notebook.failure(
      "%%LocalhostExecutor --map words --as word\nconst n = 1\nif (word === 'bb') throw new Error('no ' + word)\nn",
    )
    expect(name).to.equal("JobError")
    expect(traceback).to.include("no bb")
    expect(traceback).to.match(/cell \d+:3:\d+/)
  })

  it("import in the body", async () => {
    expect(
      await notebook.text(
        "%%LocalhostExecutor --map words --as word\nimport { join } from 'node:path'\njoin('x', word)",
      ),
    ).to.equal("[ 'x/a', 'x/bb', 'x/ccc' ]")
  })

  it("list jobs, as a value too", async () => {
    await notebook.text("%%LocalhostExecutor --map words --as word --into listed\nword")
    expect(await notebook.text("const all = %jobs\nall.at(-1).name + all.at(-1).done")).to.equal("listed3")
    expect(await notebook.text("undeclared = %jobs\nundeclared.length === all.length")).to.equal("true")
    expect(await notebook.text("undeclared = %jobs\nundeclared.at(-1)!.name")).to.equal("listed")
    expect(await notebook.text("%jobs")).to.include("listed")
  })

  it("list all executors with the variables that hold them", async () => {
    await notebook.text("%LocalhostExecutor --workers 2")
    await notebook.text(
      'import { LocalhostExecutor } from "cellfan"\nconst own = new LocalhostExecutor({ workers: 3 }), same = own',
    )
    await notebook.text("%%LocalhostExecutor --workers 1\n1")
    await notebook.text("const open = %executors")
    const rows = "open.map((one) => [one.variable, one.executor, one.workers, one.current].join())"
    expect((await notebook.text(rows))?.match(/'.*'/g)).to.include.members([
      "'fexec,LocalhostExecutor,2,true'",
      "'own, same,LocalhostExecutor,3,false'",
      "'%%LocalhostExecutor,LocalhostExecutor,1,false'",
    ])
    await notebook.text("await own.close()")
    expect(await notebook.text("%executors")).not.to.include("own")
  })

  it("make another executor where the one of the same options was closed", async () => {
    await notebook.text("%LocalhostExecutor --workers 1 --name shut")
    await notebook.text("await shut.close()")
    expect(await notebook.text("%%LocalhostExecutor\n5")).to.equal("5")
    await notebook.text("%LocalhostExecutor --workers 1 --name shut")
    expect(await notebook.text("await shut.callAsync(() => 6, 0)")).to.equal("6")
    await notebook.text("%LocalhostExecutor --workers 2")
  })

  it("clean up what cells left behind, and say what that was", async () => {
    await notebook.text("%%LocalhostExecutor --workers 1 --map words --as word\nword")
    const before = Number(await notebook.text("const several = %executors\nseveral.length"))
    notebook.streamed.length = 0
    await notebook.text("%clean")
    expect(notebook.streamed.join("")).to.match(
      new RegExp(
        `^Cleaned up ${before} executors?; deleted 0 temporary objects \\(0 B\\)\\.\nClosed 1 executor of cells\\.\nForgot \\d+ settled jobs?\\.\n$`,
      ),
    )
    expect(await notebook.text("%jobs")).to.equal("[]")
    expect(await notebook.text("%executors"))
      .to.include("fexec")
      .and.not.to.include("%%")
    expect(await notebook.text("%%LocalhostExecutor --workers 1\n7")).to.equal("7")
  })

  it("stay magics behind a statement without semicolon where a variable of their name is no number", async () => {
    await notebook.text("const jobs = %jobs")
    expect(await notebook.text("sum([7])\n%jobs")).to.include("LocalhostExecutor")
    await notebook.text("const executors = 4")
    expect(await notebook.text("sum([7])\n%executors")).to.equal("3")
  })

  it("cancel and retry a job by the beginning of its id", async () => {
    await notebook.text(
      "const slow = fexec.map(async (n: number, ctx) => { if (ctx.attempt === 1) await new Promise(r => setTimeout(r, 60_000)); return n }, [1, 2])",
    )
    await notebook.text("slow.then(() => {}, () => {})\n0")
    // One that was cancelled before it began would begin with its first attempt.
    await notebook.text(
      'while ([...slow.tasks].some(({ state }) => state !== "running")) await new Promise((r) => setTimeout(r, 5))\n0',
    )
    const id = (await notebook.text("slow.id")) ?? ""
    await notebook.text(`%cancel ${id.slice(0, 6)}`)
    expect(notebook.streamed.join("")).to.include("cancelled 2 tasks")
    await notebook.text("await slow.settled()\n0")
    await notebook.text(`%retry ${id}`)
    expect(notebook.streamed.join("")).to.include("retrying 2 tasks")
    expect(await notebook.text("await slow")).to.equal("[ 1, 2 ]")
    expect((await notebook.failure("%cancel nosuch")).message).to.include("there is no job nosuch")
  })

  it("time code without changing what it gives", async () => {
    expect(await notebook.text("const t = %time sum([1, 2])\nt")).to.equal("3")
    expect(
      await notebook.text("%%time\nconst q = 5\nawait new Promise((r) => setTimeout(r, 20))\nq + t"),
    ).to.equal("8")
    const told = notebook.streamed.at(-1) ?? ""
    expect(told).to.match(/^CPU times: user .* total: .*\nWall time: [\d.]+ ms\n$/)
    expect(Number(/Wall time: ([\d.]+)/.exec(told)?.[1])).to.be.greaterThan(18)
    expect(await notebook.text("%time const kept2 = 7\nkept2 + q")).to.equal("12")
  })

  it("read and set the environment and the folder", async () => {
    await notebook.text("%env CELLFAN_TEST_VALUE=1 2")
    expect(await notebook.text("%env CELLFAN_TEST_VALUE")).to.equal("1 2")
    expect((await notebook.failure("%env CELLFAN_TEST_VALU")).message).to.include(
      "Environment does not have key: CELLFAN_TEST_VALU. Did you mean CELLFAN_TEST_VALUE?",
    )
    delete process.env.CELLFAN_TEST_VALUE
    const before = process.cwd()
    await notebook.text(`%cd ${JSON.stringify(notebook.folder)}`)
    expect(await notebook.text("%pwd")).to.equal(notebook.folder)
    await notebook.text("%cd -")
    expect(process.cwd()).to.equal(before)
  })

  it("hide values that look secret", async () => {
    process.env.CELLFAN_TEST_TOKEN = "hunter2"
    try {
      expect(await notebook.text("(%env)".slice(1, -1))).not.to.include("hunter2")
      await notebook.text("%env CELLFAN_TEST_TOKEN=hunter3")
      expect(notebook.streamed.join("")).to.equal("env: CELLFAN_TEST_TOKEN=<hidden>\n")
    } finally {
      delete process.env.CELLFAN_TEST_TOKEN
    }
  })

  it("give help from the schema, as text and Markdown", async () => {
    await notebook.text("%LocalhostExecutor?")
    const [help] = notebook.displayed
    for (const type of ["text/plain", "text/markdown"]) {
      expect(help?.data[type]).to.include("--workers N").and.to.include("an integer from 1 to 1024")
      expect(help?.data[type]).to.include("--map ITEMS").and.to.include("--timeout-ms NUMBER")
    }
    await notebook.text("%lsmagic")
    expect(notebook.displayed.at(-1)?.data["text/plain"]).to.include("%%LocalhostExecutor")
    await notebook.text("sum?")
    expect(notebook.displayed.at(-1)?.data["text/plain"]).to.include("const sum: (ns: number[]) => number")
  })

  it("complete names, flags, values and variables", () => {
    expect(notebook.complete("%Loc|")).to.deep.equal(["%LocalhostExecutor", "%%LocalhostExecutor"])
    expect(notebook.complete("%%t|")).to.deep.equal(["%%time"])
    expect(notebook.complete("const all = %j|")).to.deep.equal(["%jobs"])
    expect(notebook.complete("words.length\n%exe|")).to.deep.equal(["%executors"])
    expect(notebook.complete("`\n%exe|`")).to.deep.equal([])
    expect(notebook.complete("%LocalhostExecutor --w|")).to.deep.equal(["--workers"])
    expect(notebook.complete("%%LocalhostExecutor --map words --fa|\nitem")).to.deep.equal(["--fail-fast"])
    expect(notebook.complete("%%LocalhostExecutor --map words --no-f|\nitem")).to.deep.equal([
      "--no-fail-fast",
    ])
    expect(notebook.complete("%%LocalhostExecutor --map wor|\nitem")).to.deep.equal(["words"])
    expect(notebook.complete("%%LocalhostExecutor --map=wor|")).to.deep.equal(["words"])
    expect(notebook.complete("%%LocalhostExecutor --map words --reduce su|")).to.deep.equal(["sum"])
    expect(notebook.complete("%%LocalhostExecutor --map words.sl|")).to.deep.equal(["slice"])
    expect(notebook.complete("%FunctionExecutor --mode lo|")).to.deep.equal(["localhost"])
    expect(notebook.complete("%%LocalhostExecutor --fail-fast=t|\nitem")).to.deep.equal(["true"])
    expect(notebook.complete("%time words.sl|")).to.deep.equal(["slice"])
  })

  it("complete and inspect in the body as in any code", () => {
    expect(notebook.complete("%%LocalhostExecutor --map words --as word\nconst n = word.toUp|")).to.include(
      "toUpperCase",
    )
    expect(notebook.complete("%%LocalhostExecutor --map nosuch --as word\nwords.sli|")).to.include("slice")
    expect(notebook.complete("%%LocalhostExecutor --map words\nctx.pro|")).to.include("progress")
    expect(notebook.inspect("%%LocalhostExecutor --map words --as word\nword.len|gth")).to.include(
      "String.length: number",
    )
    expect(notebook.inspect("%%Local|hostExecutor --map words\nitem")).to.include("--workers N")
    expect(notebook.inspect("%%LocalhostExecutor --work|ers 2\nitem")).to.include("an integer from 1 to 1024")
  })

  it("tell of the values of flags", () => {
    expect(notebook.inspect("%%LocalhostExecutor --map wor|ds\n")).to.include("const words: string[]")
    expect(notebook.inspect("%%LocalhostExecutor --map=words.sli|ce(1)\nitem")).to.include(
      "slice(start?: number",
    )
    expect(notebook.inspect("%%LocalhostExecutor --map words --reduce s|um\nitem")).to.include("const sum:")
    expect(notebook.inspect("%LocalhostExecutor --workers |2")).to.include("an integer from 1 to 1024")
    expect(notebook.inspect("%LocalhostExecutor --name po|ol")).to.include("Variable that holds the executor")
  })

  it("do not show the object that they call", () => {
    expect(notebook.complete("__cell|")).not.to.include("__cellfan")
  })

  it("refuse before anything runs", async () => {
    const { name, message, traceback } = await notebook.failure(
      "globalThis.ran = true\n%LocalhostExecutor --wokers 4",
    )
    expect(name).to.equal("UsageError")
    expect(message).to.include("Did you mean --workers?")
    expect(traceback).to.equal(`UsageError: ${message}`)
    expect(await notebook.text("'ran' in globalThis")).to.equal("false")
    expect((await notebook.failure("%%LocalhostExecutor --map wrods\nitem")).message).to.include(
      "Did you mean words?",
    )
  })

  it("say whether a cell is complete", () => {
    const { interpreter } = notebook
    expect(interpreter.isComplete("%jobs").status).to.equal("complete")
    expect(interpreter.isComplete("%LocalhostExecutor --wokers").status).to.equal("complete")
    expect(interpreter.isComplete("%%time").status).to.equal("incomplete")
    expect(interpreter.isComplete("%%time\nf()").status).to.equal("incomplete")
    expect(interpreter.isComplete("%%time\nf()\n").status).to.equal("complete")
    expect(interpreter.isComplete("%%time?").status).to.equal("complete")
  })
})
