import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { executeNotebook, type Notebook, runPython, textIn } from "../support/jupyter.ts"
import { plain } from "../support/plain.ts"
import { root } from "../support/repository.ts"

/** Notebooks without a browser, in a folder that holds nothing else, by the tools that people use for it. */

const cells = [
  'import { LocalhostExecutor } from "cellfan"',
  "const fexec = new LocalhostExecutor({ workers: 2 })",
  "const squares = await fexec.map((n: number) => n ** 2, [1, 2, 3])\nsquares",
]

function notebookOf(sources: readonly string[]): string {
  return JSON.stringify({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {
      kernelspec: { name: "cellfan", display_name: "TypeScript (cellfan)", language: "typescript" },
    },
    cells: sources.map((source, index) => ({
      cell_type: "code",
      id: `cell-${index}`,
      metadata: {},
      execution_count: null,
      outputs: [],
      source,
    })),
  })
}

describe("a notebook run headless", function () {
  this.timeout(120_000)
  let folder: string
  let path: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cellfan-headless-"))
    await mkdir(join(folder, "empty"))
    path = join(folder, "empty", "squares.ipynb")
    await writeFile(path, notebookOf(cells))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it("by jupyter execute holds the results and the jobs' final pictures", async () => {
    const copy = join(folder, "executed.ipynb")
    const { code, stderr } = await runPython(["-m", "jupyter", "execute", path, `--output=${copy}`])
    expect(code, stderr).to.equal(0)
    const notebook: Notebook = JSON.parse(await readFile(copy, "utf8"))
    const texts =
      notebook.cells.at(-1)?.outputs?.map(({ data }) => textIn(data?.["text/plain"] as string)) ?? []
    expect(texts[0]).to.match(/3 tasks, 3 done in /)
    expect(texts[1]).to.equal("[ 1, 4, 9 ]")
  })

  it("by nbconvert becomes a page with results and pictures", async () => {
    const { code, stderr } = await runPython([
      "-m",
      "nbconvert",
      "--execute",
      "--to",
      "html",
      path,
      "--output-dir",
      folder,
    ])
    expect(code, stderr).to.equal(0)
    const page = await readFile(join(folder, "squares.html"), "utf8")
    expect(page).to.include("[ 1, 4, 9 ]")
    expect(page).to.match(/<svg|data:image\/svg\+xml/)
  })

  describe("by nbclient", () => {
    const failing = [
      "let n = 1",
      'console.error("before")\nn += 1\nthrow new RangeError("no such luck", { cause: n })',
      "const word: string = n",
      "%LocalhostExecutor --wokers 2",
      "n",
    ]
    const execute = async (mode: "allow" | "stop") => {
      const script = join(root, "test", "notebooks", "nbclient_outputs.py")
      const { code, stdout, stderr } = await runPython([script, mode], { input: notebookOf(failing) })
      expect(code, stderr).to.equal(0)
      const { cells, error } = JSON.parse(stdout) as Pick<Notebook, "cells"> & { error: string | null }
      return { outputs: cells.map((cell) => cell.outputs ?? []), error: error && plain(error) }
    }

    it("stops at the cell that fails, and says where", async () => {
      const { outputs, error } = await execute("stop")
      expect(outputs.map((some) => some.length)).to.deep.equal([0, 2, 0, 0, 0])
      expect(error).to.include("RangeError: no such luck").and.to.include("cell 2:3:7")
    })

    it("goes on with allow_errors, with the state as it was", async () => {
      const { outputs, error } = await execute("allow")
      expect(error).to.equal(null)
      expect(outputs.map((some) => some.map((one) => one.output_type))).to.deep.equal([
        [],
        ["stream", "error"],
        ["error"],
        ["error"],
        ["execute_result"],
      ])
      const names = outputs.flat().flatMap((one) => (one as { ename?: string }).ename ?? [])
      expect(names).to.deep.equal(["RangeError", "TypeScriptError", "UsageError"])
      expect(textIn(outputs[4]?.[0]?.data?.["text/plain"] as string)).to.equal("2")
    })
  })

  it("by npm start -- --execute fails where a cell fails, and keeps what ran before it", async () => {
    const failing = join(folder, "empty", "failing.ipynb")
    await writeFile(failing, notebookOf(["1 + 1", 'throw new RangeError("no such luck")', "3"]))
    const { code, stderr, notebook } = await executeNotebook(failing)
    expect(code).to.equal(1)
    expect(stderr).to.include("RangeError").and.to.include("no such luck")
    expect(stderr).to.match(/✘ Cell 2 of failing\.ipynb failed\.$/m)
    const outputs = notebook.cells.map((cell) => cell.outputs?.map((output) => output.output_type))
    expect(outputs).to.deep.equal([["execute_result"], ["error"], []])
  })

  it("fails where a cell has a type error, on the position as typed", async () => {
    const wrong = join(folder, "empty", "wrong.ipynb")
    await writeFile(wrong, notebookOf(["const n = 1\nconst word: string = n"]))
    const { code, stderr } = await executeNotebook(wrong)
    expect(code).to.equal(1)
    expect(stderr).to.include("TS2322").and.to.include("cell 1:2:7")
  })
})
