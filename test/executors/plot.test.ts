import { expect } from "chai"
import { parseHTML } from "linkedom"
import { LocalhostExecutor } from "../../kernel-ext/index.ts"

interface Parsed {
  querySelectorAll(selector: string): Iterable<{ getAttribute(name: string): string | null }>
}

function parsed(svg: string): Parsed {
  return (parseHTML(`<html><body>${svg}</body></html>`) as unknown as { document: Parsed }).document
}

describe("job.plot()", () => {
  let fexec: LocalhostExecutor
  before(() => {
    fexec = new LocalhostExecutor({ workers: 2 })
  })
  after(() => fexec.close())

  it("draws which worker ran what, with a colour for each state", async () => {
    const job = fexec.map(
      async (n: number) => {
        await new Promise((resolve) => setTimeout(resolve, 10))
        if (n === 3) throw new Error("three")
      },
      [1, 2, 3, 4, 5, 6],
    )
    await job.settled()
    const { svg } = await job.plot()
    const document = parsed(svg)
    const bars = [...document.querySelectorAll('g[aria-label="bar"] rect')]
    expect(bars.length).to.be.within(2, 6)
    expect(bars.map((bar) => bar.getAttribute("fill"))).to.include("#d55e00")
    expect(svg).to.match(/^<svg[^>]+xmlns="http:\/\/www.w3.org\/2000\/svg"/)
    for (const task of job.tasks) expect(svg).to.include(task.stats.worker)
  })

  it("says what it can draw", async () => {
    const job = fexec.map((n: number) => n, [1])
    const error = await job.plot("pie" as never).catch((problem: Error) => problem)
    expect(String(error)).to.equal('TypeError: job.plot takes "timeline" or "histogram", but got \'pie\'.')
    await job
  })

  it("draws how long tasks took", async () => {
    const job = fexec.map(
      (n: number) => n,
      Array.from({ length: 200 }, (_, i) => i),
    )
    await job
    const document = parsed((await job.plot("histogram")).svg)
    expect([...document.querySelectorAll('g[aria-label="rect"] rect')].length).to.be.at.least(1)
  })

  it("stays small for many tasks, and is what a notebook shows as the value of a cell", async () => {
    const job = fexec.map(
      (n: number) => n,
      Array.from({ length: 20_000 }, (_, i) => i),
    )
    await job
    const picture = await job.plot()
    expect(picture.svg.length).to.be.lessThan(400_000)
    const shown = (picture as unknown as Record<symbol, () => Record<string, string>>)[
      Symbol.for("Jupyter.display")
    ]?.()
    expect(shown?.["image/svg+xml"]).to.equal(picture.svg)
  })
})
