import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { runPython, textIn } from "../../support/jupyter.ts"
import { need } from "../../support/needs.ts"
import { plain } from "../../support/plain.ts"
import { type Notebook, openNotebook } from "../open-notebook.ts"

describe("Papermill", function () {
  this.timeout(60_000)
  let folder: string
  let notebook: Notebook

  /** Runs `code`, to which papermill's translator for this kernel is `translator`; gives what it prints. */
  async function python(code: string): Promise<string> {
    const head = [
      "import json, papermill",
      "from papermill.translators import papermill_translators",
      'translator = papermill_translators.find_translator("cellfan", "typescript")',
    ]
    const { code: status, stdout, stderr } = await runPython(["-c", [...head, code].join("\n")])
    expect(status, stderr).to.equal(0)
    return stdout
  }

  const cell = (source: string, tags: string[] = []) => {
    return {
      cell_type: "code",
      id: `c${source.length}`,
      metadata: { tags },
      execution_count: null,
      outputs: [],
      source,
    }
  }

  /** The cells as papermill left them; rejects with what it said where it failed. */
  // biome-ignore lint/suspicious/noExplicitAny: cells as nbformat has them
  async function execute(cells: object[], parameters: object): Promise<any[]> {
    const kernelspec = { name: "cellfan", display_name: "TypeScript (cellfan)", language: "typescript" }
    const given = join(folder, "given.ipynb")
    const executed = join(folder, "executed.ipynb")
    writeFileSync(given, JSON.stringify({ cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 }))
    const values = Object.entries(parameters).flatMap(([name, value]) => ["-p", name, String(value)])
    const { code, stderr } = await runPython([
      "-m",
      "papermill",
      given,
      executed,
      ...values,
      "--no-progress-bar",
    ])
    if (code !== 0) throw new Error(stderr)
    return JSON.parse(readFileSync(executed, "utf8")).cells
  }

  before(async function () {
    const there = await runPython(["-c", "import papermill"]).catch(() => undefined)
    need(
      this,
      "papermill in the virtual environment (npm test installs it)",
      there?.code === 0 ? true : undefined,
    )
    notebook = openNotebook({ magics: true })
  })
  after(() => notebook?.close())
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cellfan-papermill-"))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it("injects parameters that are the same values in TypeScript", async () => {
    const typescript = await python(
      [
        String.raw`values = dict(n=3, big=2**60, ratio=1e-7, yes=True, nothing=None, text="it's \"q\" $x ü \u2028 \\n",`,
        "  rows=[1.5, float('inf'), -float('inf'), float('nan')], nested={'a b': {'__proto__': [1]}, 'e': {}})",
        "print(translator.codify(values), end='')",
      ].join("\n"),
    )
    expect(typescript).to.match(/^\/\/ Parameters, injected: .*\nlet n = 3\n/)
    await notebook.text('const n = "of the notebook"\nconst rows = 0')
    await notebook.text(typescript)
    const shown = await notebook.text(
      "JSON.stringify([n + 1, String(big), ratio, yes, nothing, text, rows.map(String), Object.keys(nested['a b'])])",
    )
    expect(JSON.parse(shown ?? "")).to.deep.equal([
      4,
      String(2n ** 60n),
      1e-7,
      true,
      null,
      'it\'s "q" $x ü \u2028 \\n',
      ["1.5", "Infinity", "-Infinity", "NaN"],
      ["__proto__"],
    ])
  })

  it("runs a notebook with other parameters than its own", async () => {
    const executed = await execute(
      [
        cell('const count = 3 // how many\nconst label: string = "x"', ["parameters"]),
        cell("const names = Array.from({ length: count }, (_, i) => label + i)"),
        cell("%%LocalhostExecutor --map names --as name --workers 1 --into shouted\nname.toUpperCase()"),
        cell("shouted"),
      ],
      { count: 2, label: "h\u00e9" },
    )
    expect(textIn(executed[1].source)).to.match(/^\/\/ Parameters.*\nlet count = 2\nlet label = "hé"\n$/)
    expect(textIn(executed.at(-1).outputs[0].data["text/plain"])).to.equal("[ 'HÉ0', 'HÉ1' ]")
  })

  it("keeps the types that the notebook gave its parameters", async () => {
    const cells = [
      cell('type Mode = "fast" | "slow"\nlet mode: Mode = "fast"\nconst alpha = 0.5', ["parameters"]),
      cell("const run = (mode: Mode, times: number) => mode.repeat(times)"),
      cell('mode === "fast" ? 0 : run(mode, alpha * 2)'),
    ]
    const executed = await execute(cells, { mode: "slow", alpha: 1 })
    expect(textIn(executed.at(-1).outputs[0].data["text/plain"])).to.equal("slowslow")
  })

  it("stops where a value is of another type, before the notebook goes on", async () => {
    const cells = [cell('let mode: "fast" | "slow" = "fast"', ["parameters"]), cell('console.log("went on")')]
    const error = await execute(cells, { alpha: 1, mode: "medium" }).then(
      () => "",
      (thrown: Error) => plain(thrown.message),
    )
    expect(error).to.include(`TS2322: Type '"medium"' is not assignable to type '"fast" | "slow"'`)
    expect(error)
      .to.match(/cell 2:3:5/)
      .and.to.include('> 3 | let mode = "medium"')
  })

  it("refuses a name that no variable can have", async () => {
    const said = await python(
      'try: translator.codify({"my-name": 1})\nexcept ValueError as error: print(error)',
    )
    expect(said).to.include("'my-name' cannot be a variable of TypeScript")
  })

  it("reads the parameters cell for help", async () => {
    const source = [
      "// Parameters of the study",
      "const alpha: number = 0.5 // how steep",
      'let mode: "fast" | "slow" = "fast"; // which way',
      "const urls = [ // where from",
      '  "a//b;", // one',
      "]",
      "export const flag = true",
      "const f: (x: number) => string = (x) => `a;",
      "b`",
      "let later: string",
    ].join("\n")
    const found = await python(
      `print(json.dumps([p._asdict() for p in translator.inspect({"source": ${JSON.stringify(source)}})]))`,
    )
    const parameter = (name: string, inferred_type_name: string, value: string, help: string) => {
      return { name, inferred_type_name, default: value, help }
    }
    expect(JSON.parse(found)).to.deep.equal([
      parameter("alpha", "number", "0.5", "how steep"),
      parameter("mode", '"fast" | "slow"', '"fast"', "which way"),
      parameter("urls", "None", '[ "a//b;", ]', ""),
      parameter("flag", "boolean", "true", ""),
      parameter("f", "(x: number) => string", "(x) => `a; b`", ""),
    ])
  })
})
