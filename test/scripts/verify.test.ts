import { execFile } from "node:child_process"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { type CodeCell, readNotebook, runNotebook } from "../../kernel-ext/cli/notebook.ts"
import { verify } from "../../kernel-ext/cli/verify.ts"
import { root } from "../support/repository.ts"

/** As a front end would save it. */
function write(
  file: string,
  cells: readonly { code: string; outputs?: CodeCell["outputs"]; tags?: readonly string[] }[],
): void {
  const notebook = {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: "cellfan", display_name: "TypeScript (cellfan)" } },
    cells: [
      { cell_type: "markdown", metadata: {}, source: ["# A notebook\n"] },
      ...cells.map(({ code, outputs = [], tags = [] }) => ({
        cell_type: "code",
        execution_count: 1,
        metadata: { tags },
        source: code.split(/(?<=\n)/),
        outputs: outputs.map((o) =>
          o.output_type === "stream" ? { ...o, text: o.text.split(/(?<=\n)/) } : o,
        ),
      })),
    ],
  }
  writeFileSync(file, JSON.stringify(notebook))
}

describe("cellfan verify", function () {
  this.timeout(120_000)
  let folder: string
  let file: string
  /** The notebook after a first run, as it would be saved. */
  let saved: CodeCell[]

  const cells = [
    `const base = 7\nconsole.log("base", base)`,
    `const draws = await new (await import("cellfan")).LocalhostExecutor({ workers: 1 }).map((n: number, ctx) => n + base + Math.floor(1000 * ctx.random()), [1, 2, 3], { seed: 5 })`,
    `draws.length`,
    `throw new RangeError("as intended")`,
  ]

  before(async () => {
    if (!existsSync(join(root, "dist", "kernel.js")))
      throw new Error("dist/kernel.js is missing: run `npm run build` first.")
    folder = mkdtempSync(join(tmpdir(), "cellfan-verify-"))
    file = join(folder, "a.ipynb")
    write(
      file,
      cells.map((code) => ({ code })),
    )
    saved = await runNotebook(file, readNotebook(file))
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  it("finds that a notebook gives the same in another kernel, jobs by the hashes of their manifests", async () => {
    write(file, saved)
    const [, job] = saved
    const manifests = job?.outputs.filter(
      (output) => "metadata" in output && output.metadata.cellfan !== undefined,
    )
    expect(manifests).to.have.length(1)
    const { same, report } = await verify(file)
    expect(report).to.match(/a\.ipynb: 4 code cells gave the same as before \(.+\)$/)
    expect(same).to.equal(true)
  })

  it("says what is different: a text, a value, an error, the results of a job and why they may be", async () => {
    const changed = structuredClone(saved) as CodeCell[]
    write(
      file,
      changed.map((cell, i) => ({
        ...cell,
        code:
          [
            cell.code,
            cell.code.replace("seed: 5", "seed: 6"),
            "draws.length + 1",
            `throw new TypeError("no")`,
          ][i] ?? "",
        outputs: cell.outputs.map((output) =>
          i === 0 && output.output_type === "stream" ? { ...output, text: "base 8\n" } : output,
        ),
      })),
    )
    const { same, report } = await verify(file)
    expect(same).to.equal(false)
    expect(report).to.include("4 of 4 code cells gave something else")
    expect(report).to.include('cell 2: gave "base 8\\n", and now gives "base 7\\n"')
    expect(report).to.match(/cell 3: job `\w+` has another seed \(seed was 5, is 6\)/)
    expect(report).to.match(/cell 3: job `\w+` gave other results/)
    expect(report).to.include('cell 4: gave "3", and now gives "4"')
    expect(report).to.include('cell 5: gave "RangeError: as intended", and now gives "TypeError: no"')
  })

  it("does not compare cells that are tagged as varying", async () => {
    write(file, [
      {
        code: "Date.now()",
        outputs: [{ output_type: "execute_result", data: { "text/plain": "1" }, metadata: {} }],
        tags: ["varies"],
      },
    ])
    expect((await verify(file)).report)
      .to.include("0 code cells gave the same as before")
      .and.to.include('1 tagged "varies" not compared')
  })

  it("ends with 1 where something is different, and says what it takes", async () => {
    write(file, [
      {
        code: "1 + 1",
        outputs: [{ output_type: "execute_result", data: { "text/plain": "3" }, metadata: {} }],
      },
    ])
    const run = (...args: string[]) =>
      new Promise<{ code: unknown; out: string }>((resolve) =>
        execFile(
          process.execPath,
          [join(root, "dist", "cli.js"), "verify", ...args],
          (error, stdout, stderr) => resolve({ code: error?.code ?? 0, out: stdout + stderr }),
        ),
      )
    const different = await run(file)
    expect(different.code).to.equal(1)
    expect(different.out).to.include('gave "3", and now gives "2"')
    expect((await run()).out).to.include("takes the file of a notebook")
    const missing = await run(join(folder, "none.ipynb"))
    expect(missing).to.deep.include({ code: 1 })
    expect(missing.out).to.include("cannot be read as a notebook")
  })
})
