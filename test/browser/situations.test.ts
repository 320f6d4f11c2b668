import { expect } from "chai"
import { LabPage } from "./support/lab-page.ts"
import { labSuite } from "./support/lab-suite.ts"
import { Line } from "./support/line.ts"
import { writeNotebook } from "./support/notebook-file.ts"

const setup = `import { LocalhostExecutor } from "cellfan"
const fexec = new LocalhostExecutor({ workers: 2 })
const wait = async (n: number) => {
  await new Promise((resolve) => setTimeout(resolve, 60_000))
  return n
}`

const inBackground = `const job = fexec.map(wait, [1, 2, 3, 4, 5])
"its job goes on"`

const release = "job.cancel()"

describe("the grid in situations of a notebook", function () {
  this.timeout(300_000)

  const suite = labSuite()
  let lab: LabPage
  let first: string

  before(async () => {
    await writeNotebook(suite().folder, "situations.ipynb", [setup, inBackground, release])
    lab = await LabPage.open(suite(), "situations.ipynb")
    await lab.run(0)
    await lab.run(1)
    first = (await lab.job(({ status, counts }) => status === "running" && counts.running === 2)).id
  })

  after(() => lab?.close())

  it("shows the same job live in a copy of its cell", async () => {
    await lab.select(1)
    await lab.command("notebook:copy-cell")
    await lab.command("notebook:paste-cell-below")
    await lab.page.waitForFunction(
      () => document.querySelectorAll('.jp-OutputArea-output [data-liveness="live"]').length === 2,
    )
    expect((await lab.jobs()).map(({ id }) => id)).to.deep.equal([first, first])
  })

  it("stays live when its cell is moved, and when the copy is deleted", async () => {
    await lab.select(2)
    await lab.command("notebook:delete-cell")
    await lab.select(1)
    await lab.command("notebook:move-cell-up")
    await lab.page.waitForFunction(
      () => document.querySelectorAll('.jp-OutputArea-output [data-liveness="live"]').length === 1,
    )
    expect((await lab.jobs()).map(({ id, counts }) => [id, counts.running])).to.deep.equal([[first, 2]])
    await lab.command("notebook:move-cell-down")
  })

  it("tells two tabs on one notebook the same, and both that it was cancelled", async () => {
    await lab.save()
    const other = await LabPage.open(suite(), "situations.ipynb")
    const there = await other.job(({ liveness }) => liveness === "live")
    expect(there).to.include({ id: first, status: "running" })
    await other.page.locator(".jp-OutputArea-output .cellfan-mod-cancel").click()
    await lab.job(({ id, status }) => id === first && status === "cancelled")
    await other.job(({ id, status }) => id === first && status === "cancelled")
    expect(other.errors).to.deep.equal([])
    await other.close()
  })

  it("is another job's after the cell was run again", async () => {
    await lab.run(1)
    const second = await lab.job(({ id, counts }) => id !== first && counts.running === 2)
    expect((await lab.jobs()).map(({ id }) => id)).to.deep.equal([second.id])
  })

  it("finds its job again in a notebook that was closed and opened while the kernel ran on", async () => {
    const [job] = await lab.jobs()
    await lab.save()
    await lab.command("docmanager:reload")
    await lab.command("application:close-all")
    await lab.command("docmanager:open", { path: "situations.ipynb" })
    await lab.ready()
    const again = await lab.job(({ liveness, status }) => liveness === "live" && status === "running")
    expect(again.id).to.equal(job?.id)
  })

  it("shows what happened while the line to the server was cut, once it is mended", async () => {
    const [job] = await lab.jobs()
    await lab.save()
    const line = await Line.to(suite().server.url)
    try {
      const cut = await LabPage.open(
        { context: suite().context, server: { url: line.url, token: suite().server.token } },
        "situations.ipynb",
      )
      await cut.job(
        ({ id, liveness, status }) => id === job?.id && liveness === "live" && status === "running",
      )
      line.cut()
      await cut.page.waitForFunction(
        () =>
          window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.connectionStatus !==
          "connected",
      )
      await lab.run(2)
      await lab.job(({ status, liveness }) => status === "cancelled" && liveness === "live")
      expect((await cut.jobs()).map(({ status }) => status)).to.deep.equal(["running"])
      line.mend()
      const after = await cut.job(({ status, liveness }) => status === "cancelled" && liveness === "live")
      expect(after).to.deep.include({ id: job?.id, counts: { cancelled: 5 } })
      // JupyterLab itself asks the server for this and that meanwhile.
      expect(cut.errors.filter((error) => !error.startsWith("TypeError: Failed to fetch"))).to.deep.equal([])
      await cut.close()
    } finally {
      line.close()
    }
  })

  it("frees a job's view with its output", async () => {
    await lab.command("notebook:clear-all-cell-outputs")
    await lab.page.waitForFunction(
      () => document.querySelectorAll(".jp-OutputArea-output .cellfan-Job").length === 0,
    )
    expect(await lab.jobs()).to.deep.equal([])
  })

  it("threw nothing in the page", () => {
    expect(lab.errors).to.deep.equal([])
  })
})
