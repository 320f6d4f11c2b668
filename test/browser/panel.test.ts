import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import axe from "axe-core"
import { expect } from "chai"
import { root } from "../support/repository.ts"
import { LabPage } from "./support/lab-page.ts"
import { labSuite } from "./support/lab-suite.ts"
import { savedOutputs, writeNotebook } from "./support/notebook-file.ts"

const setup = `import { LocalhostExecutor } from "cellfan"
const fexec = new LocalhostExecutor({ workers: 2 })
const nap = async (n: number) => {
  await new Promise((resolve) => setTimeout(resolve, n % 7))
  if (n === 11) throw new RangeError("eleven")
  return n
}`

const finished = `(await fexec.map(nap, Array.from({ length: 200 }, (_, i) => i), { name: "naps" }).settled()).length`

const endless = `const waiting = fexec.map(async (n: number) => {
  await new Promise((resolve) => setTimeout(resolve, 600_000))
  return n
}, [1, 2, 3], { name: "endless" })
await waiting.settled()`

describe("around the grid in JupyterLab", function () {
  this.timeout(300_000)

  const suite = labSuite()
  let lab: LabPage

  before(async () => {
    await writeNotebook(suite().folder, "around.ipynb", [setup, finished, endless])
    lab = await LabPage.open(suite(), "around.ipynb")
    await lab.runAll()
    await lab.job(({ status, counts }) => status === "failed" && counts.done === 199)
    await lab.job(({ status, counts }) => status === "running" && counts.running === 2)
  })

  after(() => lab?.close())

  it("weighs 60 kB at most when the page opens, compressed; charts come when they are first shown", async () => {
    const loaded = () =>
      lab.page.evaluate(() =>
        performance
          .getEntriesByType("resource")
          .map(({ name }) => new URL(name).pathname)
          .filter((path) => path.includes("/cellfan-lab/static/"))
          .map((path) => path.slice(path.lastIndexOf("/") + 1)),
      )
    const atStart = await loaded()
    const folder = join(root, "dist", "labextension", "static")
    const sizes = await Promise.all(
      atStart.map(async (name) => gzipSync(await readFile(join(folder, name))).length),
    )
    expect(atStart.length).to.be.greaterThan(1)
    expect(sizes.reduce((sum, size) => sum + size, 0)).to.be.lessThan(60_000)
    await lab.page.getByRole("tab", { name: "Timeline" }).first().click()
    await lab.page.locator(".cellfan-Chart").first().waitFor()
    expect((await loaded()).length).to.be.greaterThan(atStart.length)
  })

  it("draws when tasks ran and how long they took", async () => {
    const job = lab.page.locator(".jp-OutputArea-output .cellfan-Job").first()
    await job.getByRole("tab", { name: "Timeline" }).click()
    await job.locator(".cellfan-Chart-note", { hasText: "200 tasks on 2 workers" }).waitFor()
    await job.locator(".cellfan-Chart-canvas").hover({ position: { x: 400, y: 10 } })
    await job.locator(".cellfan-Tip", { hasText: /Task \d+ · (done|failed)/ }).waitFor()
    await job.getByRole("tab", { name: "Timeline" }).press("ArrowRight")
    await job.locator(".cellfan-Chart-note", { hasText: "200 tasks ended: half took under" }).waitFor()
    await job.getByRole("tab", { name: "Durations" }).press("ArrowRight")
    await job.locator(".cellfan-Grid").waitFor()
  })

  it("lists the jobs in the side bar, running ones first, and what runs in the status bar", async () => {
    await lab.command("cellfan:show-jobs")
    const cards = lab.page.locator(".cellfan-Card")
    await cards.nth(1).waitFor()
    expect(await cards.locator(".cellfan-Name").allTextContents()).to.deep.equal(["endless", "naps"])
    expect(await cards.nth(1).textContent())
      .to.include("199 done, 1 failed")
      .and.to.include("around.ipynb [2]")
    expect(await cards.nth(0).locator(".cellfan-MiniGrid").count(), "squares of what runs").to.equal(1)
    expect(await cards.nth(1).locator(".cellfan-MiniGrid").count(), "squares of what ended").to.equal(0)
    const blue = await lab.page.evaluate(() => {
      const canvas = document.querySelector<HTMLCanvasElement>(".cellfan-MiniGrid")
      const data = canvas?.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data
      let count = 0
      for (let at = 0; data !== undefined && at < data.length; at += 4)
        if (data[at] === 70 && data[at + 1] === 167 && data[at + 2] === 232) count++
      return count
    })
    expect(blue, "pixels of running tasks").to.be.greaterThan(2 * 60)
    expect(await lab.page.locator(".cellfan-StatusItem").textContent()).to.equal("1 job: 0 of 3 tasks")
  })

  it("lists the executors with their workers", async () => {
    const executor = lab.page.locator(".cellfan-mod-executor")
    await executor.locator('.cellfan-Worker[data-state="busy"]').nth(1).waitFor()
    expect(await executor.textContent())
      .to.include("LocalhostExecutor")
      .and.to.include("around.ipynb · 2 workers, 2 busy")
    const names = await executor
      .locator(".cellfan-Worker")
      .evaluateAll((all) => all.map((one) => one.getAttribute("title")))
    for (const name of names) expect(name).to.match(/^localhost:\d+ · busy$/)
  })

  it("makes a cell of a task that runs it in the kernel", async () => {
    await lab.page.locator(".cellfan-Failure-tasks button").first().click()
    await lab.page.getByRole("button", { name: "Copy as cell" }).first().click()
    await lab.page.waitForFunction(() => document.querySelectorAll(".jp-CodeCell").length === 4)
    const made = await lab.page.evaluate(
      () => window.jupyterapp.shell.currentWidget.content.widgets[2]?.model.sharedModel.getSource() ?? "",
    )
    const lines = made.split("\n")
    expect(lines[0]).to.equal("// Task 11 of naps, here in the kernel; its input: 11")
    expect(lines[2]).to.match(/^const \{ input \} = taskHere\("[0-9a-f]{8}", 11\)$/)
    expect(lines[3]).to.equal("await nap(input)")
    await lab.save()
  })

  it("has no violation that axe-core finds, in light and in dark", async () => {
    await lab.page.evaluate(axe.source)
    await lab.page.locator(".cellfan-Stack").first().waitFor()
    for (const theme of ["JupyterLab Light", "JupyterLab Dark"] as const) {
      await lab.theme(theme)
      const violations = await lab.page.evaluate(async () => {
        const run = (window as unknown as { axe: typeof axe }).axe.run
        const found = await run({ include: [[".cellfan-Job"], [".cellfan-Panel"], [".cellfan-StatusItem"]] })
        return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`)
      })
      expect(violations, theme).to.deep.equal([])
    }
  })

  it("shows as much under the cell, in the colours and as often as the settings say", async () => {
    const looksWith = async (settings: object) => {
      await lab.setting("cellfan-lab:jobs", settings)
      await lab.reload()
      await lab.job(({ counts }) => counts.done === 199)
      const { show } = { show: "grid", ...settings }
      await lab.page.locator(`.jp-OutputArea-output .cellfan-Job[data-show="${show}"]`).first().waitFor()
      const job = lab.page.locator(".jp-OutputArea-output .cellfan-Job").first()
      const parts = [".cellfan-Grid", ".cellfan-Bar", ".cellfan-Head"]
      return Promise.all(parts.map((part) => job.locator(part).first().isVisible()))
    }
    expect(await looksWith({ show: "none" })).to.deep.equal([false, false, true])
    expect(await looksWith({ show: "bar" })).to.deep.equal([false, true, true])
    expect(await looksWith({ palette: "theme", refreshMs: 2000 })).to.deep.equal([true, true, true])
    const success = await lab.color("--jp-success-color1")
    expect(success).to.not.deep.equal([18, 166, 125])
    await lab.painted(0, success, (pixels) => pixels > 1000)
    await lab.job(({ status, liveness }) => status === "running" && liveness === "live")
    const paints = await lab.page.evaluate(async () => {
      const running = document.querySelector('.jp-OutputArea-output .cellfan-Job[data-status="running"]')
      if (running === null) throw new Error("No running job")
      let count = 0
      new MutationObserver(() => count++).observe(running, { attributeFilter: ["data-paint-ms"] })
      await new Promise((resolve) => setTimeout(resolve, 5000))
      return count
    })
    expect(paints, "in five seconds").to.be.within(1, 4)
    await lab.setting("cellfan-lab:jobs", {})
    await lab.reload()
  })

  it("cancels from the side bar while the cell runs", async () => {
    await lab.command("cellfan:show-jobs")
    await lab.page
      .locator(".cellfan-Card", { hasText: "endless" })
      .getByRole("button", { name: "Cancel" })
      .click()
    await lab.page.locator(".cellfan-Card", { hasText: "3 cancelled" }).waitFor()
    await lab.idle()
    await lab.page.locator(".cellfan-StatusItem").waitFor({ state: "hidden" })
  })

  it("runs the cell made of a task, which fails there as the task did", async () => {
    await lab.run(2)
    const output = lab.page.locator(".jp-CodeCell").nth(2).locator(".jp-OutputArea-output").first()
    await output.waitFor()
    expect(await output.textContent()).to.include("RangeError: eleven")
    await lab.idle()
    await lab.save()
    const outputs = await savedOutputs(suite().folder, "around.ipynb", 2)
    expect(outputs.map(({ output_type }) => output_type)).to.deep.equal(["error"])
  })

  it("ends an executor's jobs and workers when it is cleaned up; the next job starts new workers", async () => {
    const executor = lab.page.locator(".cellfan-mod-executor")
    const workers = () =>
      executor
        .locator('.cellfan-Worker[data-state="busy"]')
        .evaluateAll((all) => all.map((one) => one.getAttribute("title")))
    const runEndless = async () => {
      // The list is told a moment later: workers of the job before may still stand there as busy.
      await executor.locator('.cellfan-Worker[data-state="busy"]').first().waitFor({ state: "detached" })
      await lab.run(3)
      await executor.locator('.cellfan-Worker[data-state="busy"]').nth(1).waitFor()
    }
    await runEndless()
    const before = await workers()
    await executor.getByRole("button", { name: "Clean up" }).click()
    const sure = executor.getByRole("button", { name: "Stop 2 busy workers" })
    await sure.waitFor()
    // Who asks once has cancelled nothing, and may think again.
    await executor.getByRole("button", { name: "Clean up" }).waitFor()
    expect(await workers()).to.deep.equal(before)
    await executor.getByRole("button", { name: "Clean up" }).click()
    await sure.click()
    await executor.getByText("2 workers, none started").waitFor()
    await lab.idle()
    await runEndless()
    const after = await workers()
    expect(after).to.have.length(2)
    expect(after).to.not.have.members(before)
    await executor.getByRole("button", { name: "Clean up" }).click()
    await sure.click()
    await executor.getByText("2 workers, none started").waitFor()
    await lab.idle()
  })

  it("has a card with its own icon in the launcher", async () => {
    await lab.command("launcher:create")
    const card = lab.page.locator('.jp-LauncherCard[title*="TypeScript (cellfan)"]').first()
    const icon = card.locator("img")
    await icon.waitFor()
    expect(await icon.getAttribute("src")).to.match(/kernelspecs\/cellfan\/logo-svg\.svg$/)
    expect(await icon.evaluate((image: HTMLImageElement) => image.naturalWidth)).to.be.greaterThan(0)
  })

  it("threw nothing in the page", () => {
    expect(lab.errors).to.deep.equal([])
  })
})

describe("a job with a long name in the side bar", function () {
  this.timeout(120_000)
  const suite = labSuite()

  it("says in full how long it took", async () => {
    const job = `import { LocalhostExecutor } from "cellfan"
await new LocalhostExecutor({ workers: 1 }).map((n: number) => n, [1, 2], { name: "very long ".repeat(20) })`
    await writeNotebook(suite().folder, "long.ipynb", [job])
    const lab = await LabPage.open(suite(), "long.ipynb")
    await lab.command("cellfan:show-jobs")
    await lab.runAll()
    await lab.idle()
    const numbers = lab.page.locator(".cellfan-Card .cellfan-Numbers").first()
    await numbers.waitFor()
    const [shown, whole] = await numbers.evaluate((node) => [node.clientWidth, node.scrollWidth])
    expect(whole).to.be.above(0).and.equal(shown)
    await lab.close()
  })
})
