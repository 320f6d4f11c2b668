import { join } from "node:path"
import { stripVTControlCharacters } from "node:util"
import { expect } from "chai"
import { jobMime } from "../../kernel-ext/protocol/job-view.ts"
import { type CellOutput, executeNotebook, type Notebook, runPython, textIn } from "../support/jupyter.ts"
import { root } from "../support/repository.ts"

/** What the notebook has in its variables at its end, for comparison. */
const report = `console.log(JSON.stringify({
  flights: hours.map((hour) => delays[hour].length),
  intervals,
  redraws: means.slice(0, 5),
  tasks: means.length,
  unlucky,
}))`

interface Report {
  readonly flights: number[]
  readonly intervals: { hour: number; mean: number; low: number; high: number }[]
  readonly redraws: number[][]
  readonly tasks: number
  readonly unlucky: number[][]
}

interface Expected {
  readonly flights: number[]
  readonly means: number[]
  readonly standardErrors: number[]
  readonly unlucky: number[]
  readonly redraws: number[][]
}

describe("notebooks/quickstart.ipynb, run by nbclient", function () {
  this.timeout(300_000)
  let notebook: Notebook
  let code: number
  let stderr: string
  let found: Report
  let expected: Expected

  before(async () => {
    ;({ notebook, code, stderr } = await executeNotebook(join(root, "notebooks", "quickstart.ipynb"), {
      also: report,
    }))
    const flights = join(root, "node_modules", "vega-datasets", "data", "flights-200k.json")
    const oracle = await runPython([join(root, "test", "notebooks", "quickstart_numbers.py"), flights, "5"])
    expected = JSON.parse(oracle.stdout)
    const last = notebook.cells.at(-1)?.outputs ?? []
    expect(last, stderr).to.have.length(1)
    found = JSON.parse(textIn(last[0]?.text))
  })

  it("fails in no cell but the one that shows a failure", () => {
    expect(code, stderr).to.equal(0)
    const failed = notebook.cells.filter((cell) =>
      outputsOf(cell).some((output) => output.output_type === "error"),
    )
    expect(failed.map((cell) => textIn(cell.source).split("\n")[0])).to.deep.equal([
      "function nightly(hour: number): number {",
    ])
  })

  it("shows the failed tasks' reason and the line that threw", () => {
    const error = notebook.cells.flatMap(outputsOf).find((output) => output.output_type === "error")
    expect(error?.ename).to.equal("JobError")
    const text = stripVTControlCharacters(textIn(error?.traceback?.join("\n")))
    expect(text).to.include("only 446 flights left after 1:00")
    expect(text).to.match(/nightly/)
  })

  it("gives the numbers that Python computes from the same data", () => {
    expect(found.flights).to.deep.equal(expected.flights)
    expect(found.intervals.map(({ mean }) => mean)).to.deep.equal(expected.means)
    expect(found.tasks).to.equal(2000)
  })

  it("draws, task by task, what Python draws with the same generator and seed", () => {
    expect(found.redraws).to.deep.equal(expected.redraws)
  })

  it("has bootstrap intervals of the width that the standard error foretells", () => {
    for (const [at, { hour, low, high }] of found.intervals.entries()) {
      const foretold = 2 * 1.96 * (expected.standardErrors[at] ?? Number.NaN)
      expect((high - low) / foretold, `${hour}:00`).to.be.within(0.85, 1.15)
      expect(expected.means[at], `${hour}:00`).to.be.within(low, high)
    }
  })

  it("has redrawn quantiles around those of the data", () => {
    expect(found.unlucky).to.have.length(2000)
    for (const [at, quantile] of expected.unlucky.entries()) {
      const drawn = found.unlucky.map((row) => row[at] ?? Number.NaN).sort((a, b) => a - b)
      expect(quantile).to.be.within(drawn[50] ?? Number.NaN, drawn[1949] ?? Number.NaN)
    }
  })

  it("leaves the final picture of every job in its cell, with text for who cannot see it", () => {
    const pictures = notebook.cells
      .flatMap(outputsOf)
      .filter((output) => output.data?.[jobMime] !== undefined)
    for (const { data } of pictures) expect(textIn(data?.["image/svg+xml"] as string)).to.include("<svg")
    const texts = pictures.map(({ data }) => textIn(data?.["text/plain"] as string))
    expect(texts).to.have.length(4)
    expect(texts[0]).to.match(/^redraw: 2,000 tasks, 2,000 done in /)
    expect(texts[1]).to.match(/^unlucky: 2,000 tasks, 2,000 done in /)
    expect(texts[2]).to.match(/^nightly: 5 tasks, 1 done, 4 failed in /)
    expect(texts[3]).to.match(/^nap: 72 tasks, \d+ done, \d+ cancelled in /)
  })

  it("draws the chart", () => {
    const chart = notebook.cells.find((cell) => textIn(cell.source).includes("Plot.plot("))
    const svg = textIn(
      outputsOf(chart).find((output) => output.data?.["image/svg+xml"])?.data?.["image/svg+xml"] as string,
    )
    expect(svg).to.include("mean delay on arrival (minutes)")
    expect(svg.match(/<circle|<path/g)?.length).to.be.greaterThan(3)
  })

  it("shows what was cancelled and what was done before", () => {
    const cell = notebook.cells.find((one) => textIn(one.source).includes("slow.cancel()"))
    const text = outputsOf(cell)
      .map((output) => textIn(output.data?.["text/plain"] as string))
      .join("\n")
    expect(Number(/cancelled: (\d+)/.exec(text)?.[1])).to.be.greaterThan(40)
  })
})

function outputsOf(cell: { readonly outputs?: readonly CellOutput[] } | undefined): readonly CellOutput[] {
  return cell?.outputs ?? []
}
