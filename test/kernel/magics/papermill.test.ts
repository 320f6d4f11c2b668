import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { runPython, textIn } from "../../support/jupyter.ts"
import { need } from "../../support/needs.ts"
import { root } from "../../support/repository.ts"
import { type Notebook, openNotebook } from "../open-notebook.ts"

/** What the wheel puts beside its Python code, so that papermill finds it. */
function installedAt(folder: string): string[] {
  const declared = /^\[project\.entry-points\."papermill\.engine"\]\n((?:.+\n)+)/m.exec(
    readFileSync(join(root, "pyproject.toml"), "utf8"),
  )
  expect(declared, "pyproject.toml names the entry point").not.to.equal(null)
  const entryPoints = `[papermill.engine]\n${(declared?.[1] ?? "").replaceAll('"', "")}`
  const metadata = join(folder, "cellfan-0.0.0.dist-info")
  mkdirSync(metadata)
  writeFileSync(join(metadata, "METADATA"), "Metadata-Version: 2.1\nName: cellfan\nVersion: 0.0.0\n")
  writeFileSync(join(metadata, "entry_points.txt"), entryPoints)
  return [folder, join(root, "python")]
}

describe("Papermill", function () {
  this.timeout(60_000)
  let folder: string
  let notebook: Notebook

  /** Runs `code`, to which papermill's translator for this kernel is `translator`; gives what it prints. */
  async function python(code: string): Promise<string> {
    const head = [
      `import sys; sys.path[:0] = ${JSON.stringify(installedAt(folder))}`,
      "import json, papermill",
      "from papermill.translators import papermill_translators",
      'translator = papermill_translators.find_translator("cellfan", "typescript")',
    ]
    const { code: status, stdout, stderr } = await runPython(["-c", [...head, code].join("\n")])
    expect(status, stderr).to.equal(0)
    return stdout
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
    expect(typescript).to.match(/^\/\/ Parameters\nlet n = 3\n/)
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
    const kernelspec = { name: "cellfan", display_name: "TypeScript (cellfan)", language: "typescript" }
    const given = join(folder, "given.ipynb")
    const executed = join(folder, "executed.ipynb")
    const cells = [
      cell('const count = 3 // how many\nconst label: string = "x"', ["parameters"]),
      cell("const names = Array.from({ length: count }, (_, i) => label + i)"),
      cell("%%LocalhostExecutor --map names --as name --workers 1 --into shouted\nname.toUpperCase()"),
      cell("shouted"),
    ]
    writeFileSync(given, JSON.stringify({ cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 }))
    await python(
      `papermill.execute_notebook(${JSON.stringify(given)}, ${JSON.stringify(executed)}, {"count": 2, "label": "h\u00e9"}, progress_bar=False)`,
    )
    const notebook = JSON.parse(readFileSync(executed, "utf8"))
    expect(textIn(notebook.cells[1].source)).to.equal('// Parameters\nlet count = 2\nlet label = "hé"\n')
    expect(textIn(notebook.cells.at(-1).outputs[0].data["text/plain"])).to.equal("[ 'HÉ0', 'HÉ1' ]")
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
