import { expect } from "chai"
import { LabPage } from "./support/lab-page.ts"
import { labSuite } from "./support/lab-suite.ts"
import { writeNotebook } from "./support/notebook-file.ts"

const cell = `import { LocalhostExecutor } from "cellfan"
const fexec = new LocalhostExecutor({ workers: 2 })
const wait = async (n: number) => {
  if (n > 40) await new Promise((resolve) => setTimeout(resolve, 60_000))
  return n
}
const job = fexec.map(wait, Array.from({ length: 50 }, (_, i) => i), { chunkSize: 1 })
await job.settled()`

describe("the grid in Notebook 7", function () {
  this.timeout(300_000)

  const suite = labSuite({ module: "notebook" })

  it("is live, survives a reload and cancels, as in JupyterLab", async () => {
    await writeNotebook(suite().folder, "seven.ipynb", [cell])
    const page = await LabPage.open(suite(), "seven.ipynb", "notebook")
    await page.runAll()
    const job = await page.job(
      ({ counts, liveness }) => liveness === "live" && counts.done === 41 && counts.running === 2,
    )
    await page.save()
    await page.reload()
    const again = await page.job(({ liveness }) => liveness === "live")
    expect(again).to.include({ id: job.id, status: "running" })
    await page.page.locator(".cellfan-mod-cancel").click()
    expect((await page.job(({ status }) => status === "cancelled")).counts).to.deep.equal({
      done: 41,
      cancelled: 9,
    })
    expect(page.errors).to.deep.equal([])
  })
})
