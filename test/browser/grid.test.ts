import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { expect } from "chai"
import { jobMime, parseSavedJob } from "../../kernel-ext/protocol/job-view.ts"
import { type JobOnPage, LabPage } from "./support/lab-page.ts"
import { labSuite } from "./support/lab-suite.ts"
import { savedOutputs, writeNotebook } from "./support/notebook-file.ts"

const executor = `import { LocalhostExecutor } from "cellfan"
const fexec = new LocalhostExecutor({ workers: 3 })`

/** 600 tasks, seven of which fail. From the 300th on they wait for the file `gate`, however long the page takes to load. */
const longJob = (gate: string) => `import { existsSync } from "node:fs"
const work = async (n: number) => {
  console.log("task", n)
  do await new Promise((resolve) => setTimeout(resolve, 20 + (n % 40)))
  while (n >= 300 && !existsSync(${JSON.stringify(gate)}))
  if (n % 97 === 13) throw new TypeError("cannot take " + n)
  return n * 2
}
const job = fexec.map(work, Array.from({ length: 600 }, (_, i) => i), { chunkSize: 1 })
const outcomes = await job.settled()
outcomes.length`

const endless = `const wait = async (n: number) => {
  await new Promise((resolve) => setTimeout(resolve, 60_000))
  return n
}
const waiting = fexec.map(wait, Array.from({ length: 40 }, (_, i) => i))
await waiting.settled()
"after the cancel"`

const twoJobs = `const quick = async (n: number) => n
const slow = async (n: number) => { await new Promise((resolve) => setTimeout(resolve, 1500)); return n }
const jobs = [fexec.map(slow, [1, 2, 3]), fexec.map(quick, [1, 2, 3, 4])]
"the cell ends before its jobs"`

const single = `await fexec.callAsync((n: number) => n + 1, 41)`

/** Colour of the states in the light theme. */
const done = [7, 154, 114] as const
const failed = [217, 72, 15] as const

describe("the grid in JupyterLab", function () {
  this.timeout(300_000)

  const suite = labSuite()

  describe("while a job runs, over a reload, and afterwards", () => {
    let lab: LabPage
    let job: JobOnPage
    let gate: string
    let folder: string

    before(async () => {
      ;({ folder } = suite())
      gate = join(folder, "gate")
      await writeNotebook(folder, "run.ipynb", [executor, longJob(gate)])
      lab = await LabPage.open(suite(), "run.ipynb")
      await lab.runAll()
    })

    after(() => lab?.close())

    it("shows squares go from queued over running to done while the cell runs", async () => {
      const seen: Readonly<Record<string, number>>[] = []
      const before = await lab.job(({ counts }) => (counts.running ?? 0) > 0 && (counts.queued ?? 0) > 0)
      const pixelsBefore = await lab.pixels(0, done)
      for (let at = 0; at < 4; at++) {
        const now = await lab.job(({ counts }) => (counts.done ?? 0) > (seen.at(-1)?.done ?? 0) + 20)
        seen.push(now.counts)
      }
      expect(seen.every(({ running = 0 }) => running >= 1 && running <= 3)).to.equal(true)
      expect(seen.at(-1)?.queued).to.be.lessThan(before.counts.queued ?? 0)
      await lab.painted(0, done, (pixels) => pixels > pixelsBefore)
      job = await lab.job(({ liveness }) => liveness === "live")
      expect(job.status).to.equal("running")
    })

    it("goes on after the page was reloaded in mid-run", async () => {
      await lab.job(({ counts }) => (counts.done ?? 0) > 250)
      await lab.reload()
      const again = await lab.job(({ id, liveness }) => id === job.id && liveness === "live")
      expect(again.status).to.equal("running")
      await writeFile(gate, "")
      const later = await lab.job(({ counts }) => (counts.done ?? 0) > (again.counts.done ?? 0) + 30)
      expect(later.id).to.equal(job.id)
    })

    it("ends with each task done or failed, and says so", async () => {
      const ended = await lab.job(({ status }) => status !== "running", 40_000)
      expect(ended).to.include({ status: "failed" })
      expect(ended.counts).to.deep.equal({ done: 593, failed: 7 })
      await lab.painted(0, failed, (pixels) => pixels > 7 * 60)
      await lab.job(({ said }) => said === "work: 593 done, 7 failed")
    })

    it("opens a failed task by a click on its square: error, stack on the cell's lines, log, worker", async () => {
      const at = await lab.squareOf(0, 13)
      await lab.page.mouse.click(at.x, at.y)
      const details = lab.page.locator(".cellfan-Details")
      // The error's first line is known before the kernel's answer; its stack comes with all the rest.
      await details.locator(".cellfan-Stack").waitFor()
      const text = (await details.textContent()) ?? ""
      expect(text).to.include("Task 13 · failed").and.to.include("TypeError: cannot take 13")
      expect(text).to.match(/on localhost:\d+/)
      expect(await details.locator(".cellfan-Log").textContent()).to.equal("task 13\n")
      expect(await details.locator(".cellfan-Stack").textContent()).to.match(/work \(cell \d+:6:\d+\)/)
    })

    it("goes to the line of the cell that a line of the stack names", async () => {
      await lab.select(0)
      await lab.page
        .locator(".cellfan-Stack button", { hasText: /^cell \d+:6:/ })
        .first()
        .click()
      const where = await lab.page.waitForFunction(() => {
        const { activeCellIndex, mode, activeCell } = window.jupyterapp.shell.currentWidget.content
        if (mode !== "edit") return undefined
        return { cell: activeCellIndex, ...activeCell?.editor?.getCursorPosition() }
      })
      expect(await where.jsonValue()).to.include({ cell: 1, line: 5 })
    })

    it("leaves only the tasks of one state in colour when its count is pressed", async () => {
      const before = await lab.pixels(0, done)
      const chip = lab.page.locator('.cellfan-Chip[data-state="failed"]')
      await chip.click()
      await lab.painted(0, done, (pixels) => pixels === 0)
      await lab.painted(0, failed, (pixels) => pixels > 7 * 60)
      await chip.click()
      await lab.painted(0, done, (pixels) => pixels === before)
    })

    it("saves the final picture with the notebook, although the page was reloaded in mid-run", async () => {
      await lab.idle()
      await lab.save()
      const [output] = (await savedOutputs(folder, "run.ipynb", 1)).filter(({ data }) => data?.[jobMime])
      const saved = parseSavedJob(output?.data?.[jobMime])
      expect(saved?.counts).to.include({ done: 593, failed: 7 })
      expect([output?.data?.["image/svg+xml"]].flat().join("")).to.include("593 done, 7 failed")
      expect([output?.data?.["text/plain"]].flat().join("")).to.include("task 13: TypeError: cannot take 13")
    })

    it("shows the saved picture again after the kernel is gone, with the first failures", async () => {
      await lab.page.evaluate(() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown())
      await lab.page.reload()
      const saved = await lab.job(({ id }) => id === job.id, 60_000)
      expect(saved.counts).to.deep.equal({ done: 593, failed: 7 })
      await lab.painted(0, failed, (pixels) => pixels > 7 * 60)
      expect(await lab.page.locator(".cellfan-Failures").textContent()).to.include(
        "TypeError: cannot take 13",
      )
    })

    it("threw nothing in the page", () => {
      expect(lab.errors).to.deep.equal([])
    })
  })

  describe("what a reader does with jobs", () => {
    let lab: LabPage

    before(async () => {
      await writeNotebook(suite().folder, "act.ipynb", [executor, endless, twoJobs, single])
      lab = await LabPage.open(suite(), "act.ipynb")
      await lab.run(0)
      await lab.idle()
    })

    after(() => lab?.close())

    it("cancels a job while its cell runs, and the cell goes on", async () => {
      await lab.run(1)
      await lab.job(
        ({ status, counts, liveness }) => liveness === "live" && status === "running" && counts.running === 3,
      )
      await lab.page.locator(".cellfan-mod-cancel").click()
      const ended = await lab.job(({ status }) => status === "cancelled")
      expect(ended.counts).to.deep.equal({ cancelled: 40 })
      await lab.page.getByText("after the cancel", { exact: false }).last().waitFor()
      await lab.idle()
    })

    it("shows several jobs of one cell, each with its own end, after the cell has ended", async () => {
      await lab.run(2)
      await lab.job(({ counts, status }) => status === "running" && (counts.running ?? 0) > 0)
      await lab.job(({ counts, status }) => status === "done" && counts.done === 3)
      const jobs = (await lab.jobs()).slice(-2)
      expect(jobs.map(({ counts }) => counts)).to.deep.equal([{ done: 3 }, { done: 4 }])
    })

    it("shows a single call in one line", async () => {
      await lab.run(3)
      await lab.job(({ counts, status }) => status === "done" && counts.done === 1)
      const box = await lab.page.locator(".cellfan-mod-single").boundingBox()
      expect(box?.height).to.be.lessThan(45)
    })

    it("takes the keyboard: arrows move, Enter opens, Escape closes, the notebook's own keys rest", async () => {
      const grid = lab.page.locator(".cellfan-Grid").first()
      await grid.focus()
      for (const key of ["ArrowRight", "ArrowRight", "Enter"]) await lab.page.keyboard.press(key)
      const details = lab.page.locator(".cellfan-Details").first()
      await lab.page.waitForFunction(() =>
        document.querySelector(".cellfan-Details")?.textContent?.includes("Task 2 · cancelled"),
      )
      await lab.page.keyboard.press("Escape")
      await details.waitFor({ state: "hidden" })
    })

    it("says after a kernel restart that the job's kernel is gone, and keeps its squares", async () => {
      await lab.run(1)
      await lab.job(({ status, counts }) => status === "running" && counts.running === 3)
      await lab.restart()
      const stopped = await lab.job(
        ({ status, liveness }) => status === "stopped" && liveness === "gone",
        30_000,
      )
      expect(stopped.counts.running).to.equal(3)
      expect(await lab.page.locator(".cellfan-Numbers").first().textContent()).to.include(
        "its kernel is gone",
      )
    })

    it("threw nothing in the page", () => {
      expect(lab.errors).to.deep.equal([])
    })
  })
})
