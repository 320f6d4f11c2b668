import { expect } from "chai"
import { LabPage } from "./support/lab-page.ts"
import { labSuite } from "./support/lab-suite.ts"
import { writeNotebook } from "./support/notebook-file.ts"

const setup = `import { LocalhostExecutor } from "cellfan"
const fexec = new LocalhostExecutor({ workers: 2 })
const check = (n: number) => {
  if (n % 100_000 === 77) throw new Error("checksum differs")
}`

const million = `await fexec.map(check, Array.from({ length: 1_000_000 }, (_, n) => n)).settled()
"done"`

const failed = [217, 72, 15] as const

describe("the grid of a million tasks", function () {
  this.timeout(240_000)

  const suite = labSuite()
  let lab: LabPage
  let heapBefore: number

  before(async () => {
    await writeNotebook(suite().folder, "million.ipynb", [setup, million])
    lab = await LabPage.open(suite(), "million.ipynb")
    await lab.run(0)
    await lab.idle()
    heapBefore = await lab.heapBytes()
    await lab.run(1)
    await lab.job(({ counts, status }) => status === "failed" && counts.done === 999_990, 200_000)
  })

  after(() => lab?.close())

  it("shows all that failed, although a pixel stands for several tasks", async () => {
    const box = await lab.page.locator(".cellfan-Grid").boundingBox()
    expect((box?.width ?? 0) * (box?.height ?? 0), "pixels").to.be.lessThan(1_000_000)
    await lab.painted(0, failed, (pixels) => pixels >= 10 * 20 && pixels <= 10 * 30)
  })

  it("is painted within a frame", async () => {
    const paintMs = await lab.page.locator(".jp-OutputArea-output .cellfan-Job").getAttribute("data-paint-ms")
    expect(Number(paintMs)).to.be.within(0.001, 50)
  })

  it("gives its memory back when its output is cleared", async () => {
    const shown = await lab.heapBytes()
    await lab.idle()
    await lab.command("notebook:clear-all-cell-outputs")
    await lab.page.waitForFunction(() => document.querySelector(".jp-OutputArea-output") === null)
    await lab.page.waitForTimeout(1000)
    const cleared = await lab.heapBytes()
    expect(shown - cleared, "freed").to.be.greaterThan(900_000)
    expect(cleared - heapBefore, "left").to.be.lessThan(4_000_000)
  })

  it("threw nothing in the page", () => {
    expect(lab.errors).to.deep.equal([])
  })
})
