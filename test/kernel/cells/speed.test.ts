import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { type Notebook, openNotebook } from "../open-notebook.ts"

const STEPS = 3e6
const FEWEST_RUNS = 7
const MOST_RUNS = 30

const loops = {
  "a sum of fractions": `let sum = 0; for (let i = 0; i < ${STEPS}; i++) { sum += i * 0.5 }`,
  "integers in a while loop": `let k = 0, n = 0; while (n < ${STEPS}) { n++; k = (k + n) | 0 }`,
  "an array by index": `const data = new Float64Array(1000); let at = 0, all = 0; for (at = 0; at < ${STEPS}; at++) { data[at % 1000] = at; all += data[(at * 7) % 1000] }`,
} as const

describe("a loop over a notebook's variables", () => {
  let notebook: Notebook
  let folder: string
  before(function () {
    this.timeout(60_000)
    notebook = openNotebook()
    folder = mkdtempSync(join(tmpdir(), "cellfan-speed-"))
  })
  after(async () => {
    await notebook.close()
    rmSync(folder, { recursive: true, force: true })
  })

  for (const [name, code] of Object.entries(loops)) {
    it(`runs within twice the time of a module's: ${name}`, async function () {
      this.timeout(60_000)
      // The best of several each, by turns, of more while the machine has other work; a module runs once in a process.
      let inModule = Number.POSITIVE_INFINITY
      let inCell = Number.POSITIVE_INFINITY
      for (let run = 0; run < FEWEST_RUNS || (run < MOST_RUNS && inCell >= inModule * 2); run++) {
        inModule = Math.min(inModule, timeInModule(code))
        inCell = Math.min(inCell, await timeInCell(code))
      }
      expect(inCell).to.be.below(inModule * 2)
    })
  }

  const timed = (code: string) =>
    `const begin = performance.now();\n${code}\nconst took = performance.now() - begin`

  function timeInModule(code: string): number {
    const file = join(folder, "loop.mjs")
    writeFileSync(file, `${timed(code)}; console.log(took)`)
    return Number(execFileSync(process.execPath, [file], { encoding: "utf8" }))
  }

  async function timeInCell(code: string): Promise<number> {
    return Number(await notebook.text(`${timed(code)}\ntook`))
  }
})
