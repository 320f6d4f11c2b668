import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { executeNotebook, type Notebook, textIn } from "../support/jupyter.ts"
import { root } from "../support/repository.ts"
import { type Platforms, startPlatforms } from "../support/servers/platforms.ts"

/** What stands behind --backend in cells, and the backend that it means. */
const flags = (name: string) => (name === "functions" ? "code_engine --workload function" : name)

const names = ["gcp_functions", "gcp_cloudrun", "knative", "code_engine", "openwhisk"]

describe("Notebooks on several platforms", function () {
  this.timeout(280_000)
  let platforms: Platforms
  before(async function () {
    platforms = await startPlatforms(this)
  })
  after(() => platforms?.stop())
  afterEach(() => expect(platforms.violations()).to.deep.equal([]))

  describe("notebooks/serverless.ipynb, the same on each", () => {
    const notebooks = new Map<string, Notebook>()

    for (const name of names)
      it(`has the same numbers on ${name} as on this machine, and names the task that went wrong`, async () => {
        const env = { CELLFAN_BACKEND: name, [`CELLFAN_${name.toUpperCase()}_WORKERS`]: "2" }
        const file = join(root, "notebooks", "serverless.ipynb")
        const { code, stderr, notebook } = await executeNotebook(file, { env: { ...platforms.env, ...env } })
        expect(code, stderr).to.equal(0)
        notebooks.set(name, notebook)
        const done = new RegExp(`40 tasks, 40 done.*ServerlessExecutor on ${name}`)
        expect(outputOf(notebook, "%%ServerlessExecutor")).to.match(done)
        expect(outputOf(notebook, "console.log(there.every")).to.match(/^true/)
        expect(outputOf(notebook, "const risky")).to.match(/1\n.*called process.exit\(1\).*\n9/)
      })

    it("has the same numbers on all of them", () => {
      const numbers = [...notebooks.values()].map((one) => outputOf(one, "console.log(there.every"))
      expect(numbers).to.have.length(names.length)
      expect(new Set(numbers).size).to.equal(1)
    })

    it("costs something where there are prices, and nothing on machines of one's own", () => {
      const costOn = (name: string) => outputOf(notebooks.get(name) as Notebook, "import { Serverless")
      for (const name of ["gcp_functions", "gcp_cloudrun", "code_engine"])
        expect(costOn(name)).to.include("a fraction of a cent")
      for (const name of ["knative", "openwhisk"]) expect(costOn(name)).to.include("It costs nothing")
    })
  })

  it("moves a cell from one platform to the next by --backend, within one kernel", async () => {
    const everywhere = [...names, "functions"]
    const notebook = await runCells([
      "const inputs = [1, 2, 3, 4]\nconst square = (n: number) => n * n",
      ...everywhere.map(
        (name) =>
          `%%ServerlessExecutor --backend ${flags(name)} --workers 2 --map inputs --as n --into on_${name}\nsquare(n) + ctx.random()`,
      ),
      `%%LocalhostExecutor --map inputs --as n --into here\nsquare(n) + ctx.random()`,
      `console.log(JSON.stringify([${everywhere.map((name) => `on_${name}`)}].map((one) => one.join() === here.join())))`,
    ])
    for (const name of everywhere)
      expect(outputOf(notebook, `%%ServerlessExecutor --backend ${flags(name)} --workers`)).to.match(
        new RegExp(`4 tasks, 4 done.*ServerlessExecutor on ${flags(name).split(" ")[0]}`),
      )
    expect(outputOf(notebook, "console.log")).to.include(JSON.stringify(everywhere.map(() => true)))
  })

  it("takes the platform as an option of the executor, in a cell's own code", async () => {
    const notebook = await runCells([
      'import { ServerlessExecutor } from "cellfan"\nconst offset = 100',
      ...names.map(
        (name) =>
          `{\n  await using fexec = new ServerlessExecutor({ backend: "${name}", workers: 2 })\n  console.log("${name}", (await fexec.map((n: number) => n + offset, [1, 2])).join())\n}`,
      ),
    ])
    const said = notebook.cells.map(({ outputs = [] }) => outputs.map(({ text }) => textIn(text)).join(""))
    for (const name of names) expect(said.join("\n")).to.include(`${name} 101,102`)
  })

  it("deletes its functions by %clean, also where no storage is configured that they reach", async () => {
    const notebook = await runCells([
      ...["knative", "code_engine", "openwhisk"].map(
        (name) =>
          `%ServerlessExecutor --backend ${name} --workers 2 --name on_${name}\nawait on_${name}.map((n: number) => n + 1, [1])`,
      ),
      "%clean",
      "%clean all",
    ])
    expect(outputOf(notebook, "%clean")).to.match(/Cleaned up 3 executors; deleted 0 temporary objects/)
    expect(outputOf(notebook, "%clean all")).to.match(/deleted 0 temporary objects/)
    for (const [name, found] of Object.entries(platforms.functions())) expect(found, name).to.deep.equal([])
  })

  async function runCells(sources: readonly string[]): Promise<Notebook> {
    const folder = await mkdtemp(join(tmpdir(), "cellfan-cells-"))
    try {
      const kernelspec = { display_name: "TypeScript (cellfan)", language: "typescript", name: "cellfan" }
      const cells = sources.map((source, at) => ({
        ...{ cell_type: "code", id: `cell-${at}`, metadata: {}, execution_count: null, outputs: [], source },
      }))
      const file = join(folder, "cells.ipynb")
      const notebook = { cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 }
      await writeFile(file, JSON.stringify(notebook))
      const executed = await executeNotebook(file, { env: platforms.env })
      expect(executed.code, executed.stderr).to.equal(0)
      return executed.notebook
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
})

function outputOf({ cells }: Notebook, beginning: string): string {
  const cell = cells.find(({ source }) => textIn(source).startsWith(beginning))
  return (cell?.outputs ?? [])
    .map(({ text, data }) => textIn(text ?? (data?.["text/plain"] as string | undefined)))
    .join("\n")
}
