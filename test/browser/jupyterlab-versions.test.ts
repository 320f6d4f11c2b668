import { expect } from "chai"
import { jobMime, parseSavedJob } from "../../kernel-ext/protocol/job-view.ts"
import { LabPage } from "./support/lab-page.ts"
import { labSuite } from "./support/lab-suite.ts"
import { savedOutputs, writeNotebook } from "./support/notebook-file.ts"

/**
 * The main scenario on other lines of JupyterLab: CELLFAN_TEST_JUPYTERLAB="4.2 4.3 4.4 4.5". The gate takes the oldest;
 * docs/jupyterlab.md says which were run.
 */
const wanted = process.env.CELLFAN_TEST_JUPYTERLAB ?? (process.env.CELLFAN_TEST_ALL === "1" ? "4.2" : "")
const lines = wanted.split(/[\s,]+/).filter((line) => line !== "")

const setup = `import { LocalhostExecutor } from "cellfan"
const fexec = new LocalhostExecutor({ workers: 2 })
const wait = async (n: number) => {
  console.log("task", n)
  if (n === 7) throw new RangeError("seven")
  if (n >= 40) await new Promise((resolve) => setTimeout(resolve, 60_000))
  return n
}`

const run = `await fexec.map(wait, Array.from({ length: 50 }, (_, n) => n), { chunkSize: 1 }).settled()
"ended"`

if (lines.length === 0) {
  describe("the grid in other lines of JupyterLab", () => {
    it("is tried where CELLFAN_TEST_JUPYTERLAB names some", function () {
      console.log('Skipped, CELLFAN_TEST_JUPYTERLAB="4.2 4.4" would install and try these')
      this.skip()
    })
  })
}

for (const line of lines) {
  describe(`the grid in JupyterLab ${line}`, function () {
    this.timeout(300_000)

    const suite = labSuite({ jupyterlab: line })
    let lab: LabPage
    let job: string

    before(async () => {
      await writeNotebook(suite().folder, "other.ipynb", [setup, run])
      lab = await LabPage.open(suite(), "other.ipynb")
      await lab.runAll()
    })

    after(() => lab?.close())

    it("is that line", async () => {
      const version = await lab.page.evaluate(() => window.jupyterapp.version)
      expect(version.startsWith(`${line}.`), version).to.equal(true)
    })

    it("is live, lists the job and its executor, and opens a task", async () => {
      const running = await lab.job(
        ({ counts, liveness }) => liveness === "live" && counts.done === 39 && counts.running === 2,
      )
      expect(running.counts).to.deep.equal({ done: 39, failed: 1, running: 2, queued: 8 })
      job = running.id
      await lab.command("cellfan:show-jobs")
      await lab.page.locator(".cellfan-Card .cellfan-MiniGrid").waitFor()
      await lab.page.locator(".cellfan-mod-executor .cellfan-Worker").first().waitFor()
      const at = await lab.squareOf(0, 7)
      await lab.page.mouse.click(at.x, at.y)
      await lab.page.locator(".cellfan-Error-head", { hasText: "RangeError: seven" }).waitFor()
    })

    it("goes on after a reload, cancels, and saves its end", async () => {
      await lab.save()
      await lab.reload()
      await lab.job(({ id, liveness, counts }) => id === job && liveness === "live" && counts.running === 2)
      await lab.page.locator(".jp-OutputArea-output .cellfan-mod-cancel").click()
      await lab.job(({ status }) => status === "failed")
      await lab.idle()
      await lab.save()
      const outputs = await savedOutputs(suite().folder, "other.ipynb", 1)
      const saved = parseSavedJob(outputs.find(({ data }) => data?.[jobMime])?.data?.[jobMime])
      expect(saved?.counts).to.include({ done: 39, failed: 1, cancelled: 10 })
    })

    it("threw nothing in the page", () => {
      expect(lab.errors).to.deep.equal([])
    })
  })
}
