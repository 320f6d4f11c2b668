import { expect } from "chai"
import { jobMime, parseSavedJob } from "../../kernel-ext/protocol/job-view.ts"
import { LabPage } from "./support/lab-page.ts"
import { labSuite } from "./support/lab-suite.ts"
import { savedOutputs, writeNotebook } from "./support/notebook-file.ts"

const setup = `import { LocalhostExecutor } from "cellfan"
const fexec = new LocalhostExecutor({ workers: 2 })
const wait = async (n: number) => {
  if (n >= 40) await new Promise((resolve) => setTimeout(resolve, 60_000))
  if (n === 7) throw new RangeError("seven")
  return n
}`

const run = `await fexec.map(wait, Array.from({ length: 50 }, (_, n) => n), { chunkSize: 1 }).settled()
"ended"`

const widgetMime = "application/vnd.jupyter.widget-view+json"

describe("the grid in a front end that has anywidget and not our extension", function () {
  this.timeout(300_000)

  const suite = labSuite({ without: ["cellfan-lab"] })
  let lab: LabPage

  before(async () => {
    await writeNotebook(suite().folder, "widget.ipynb", [setup, run])
    lab = await LabPage.open(suite(), "widget.ipynb")
    await lab.runAll()
  })

  after(() => lab?.close())

  it("is live while the job runs, from the same code", async () => {
    const job = await lab.job(
      ({ counts, liveness }) => liveness === "live" && counts.done === 39 && counts.running === 2,
    )
    expect(job).to.deep.include({ status: "running", counts: { done: 39, failed: 1, running: 2, queued: 8 } })
    expect(await lab.page.locator(".lm-Widget .cellfan-Grid-canvas").count()).to.equal(1)
  })

  it("opens a task with its error", async () => {
    const at = await lab.squareOf(0, 7)
    await lab.page.mouse.click(at.x, at.y)
    await lab.page.locator(".cellfan-Error-head", { hasText: "RangeError: seven" }).waitFor()
  })

  it("cancels, and leaves a picture behind that needs no kernel", async () => {
    await lab.page.locator(".cellfan-mod-cancel").click()
    await lab.page.getByText("ended", { exact: false }).last().waitFor()
    await lab.page.locator('.jp-OutputArea-output[data-mime-type="image/svg+xml"]').waitFor()
    expect(await lab.jobs()).to.deep.equal([])
    await lab.idle()
    await lab.save()
    const outputs = await savedOutputs(suite().folder, "widget.ipynb", 1)
    const output = outputs.find(({ data }) => data?.[jobMime])
    expect(parseSavedJob(output?.data?.[jobMime])?.counts).to.include({ done: 39, failed: 1, cancelled: 10 })
    expect(output?.data).to.not.have.property(widgetMime)
  })

  it("is live again after a reload of the page in mid-run, and stays", async () => {
    await lab.run(1)
    const { id } = await lab.job(({ counts, liveness }) => liveness === "live" && counts.running === 2)
    await lab.save()
    await lab.reload()
    await lab.job((job) => job.id === id && job.liveness === "live" && job.counts.running === 2)
    await lab.page.locator(".cellfan-mod-cancel").click()
    const ended = await lab.job(({ status }) => status === "failed")
    expect(ended.counts).to.deep.equal({ done: 39, failed: 1, cancelled: 10 })
    await lab.idle()
    await lab.save()
    const outputs = await savedOutputs(suite().folder, "widget.ipynb", 1)
    const output = outputs.find(({ data }) => data?.[jobMime])
    expect(parseSavedJob(output?.data?.[jobMime])?.id).to.equal(id)
    expect([output?.data?.["image/svg+xml"]].flat().join(""), "what is shown without the kernel").to.match(
      /^<svg .*<title>wait: .*<\/svg>$/s,
    )
  })

  it("threw nothing in the page", () => {
    expect(lab.errors).to.deep.equal([])
  })
})
