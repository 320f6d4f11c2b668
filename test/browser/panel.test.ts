import axe from "axe-core"
import { expect } from "chai"
import { LabPage } from "./support/lab-page.ts"
import { labSuite } from "./support/lab-suite.ts"
import { writeNotebook } from "./support/notebook-file.ts"

const setup = `import { LocalhostExecutor } from "cellfan"
const fexec = new LocalhostExecutor({ workers: 2 })
const nap = async (n: number) => {
  await new Promise((resolve) => setTimeout(resolve, n % 7))
  if (n === 11) throw new RangeError("eleven")
  return n
}`

const finished = `(await fexec.map(nap, Array.from({ length: 200 }, (_, i) => i), { name: "naps" }).settled()).length`

const endless = `const waiting = fexec.map(async (n: number) => {
  await new Promise((resolve) => setTimeout(resolve, 60_000))
  return n
}, [1, 2, 3], { name: "endless" })
await waiting.settled()`

describe("around the grid in JupyterLab", function () {
  this.timeout(180_000)

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

  it("draws when tasks ran and how long they took", async () => {
    const job = lab.page.locator(".jp-OutputArea-output .cellfan-Job").first()
    await job.getByRole("tab", { name: "Timeline" }).click()
    await job.locator(".cellfan-Chart-note", { hasText: "200 tasks on 2 workers" }).waitFor()
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
    expect(await lab.page.locator(".cellfan-StatusItem").textContent()).to.equal("1 job: 0 of 3 tasks")
  })

  it("has no violation that axe-core finds, in light and in dark", async () => {
    await lab.page.evaluate(axe.source)
    await lab.page.locator(".cellfan-Failure-tasks button").first().click()
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

  it("shows as much under the cell as the settings say", async () => {
    const set = (value: string) =>
      lab.page.evaluate(async (show) => {
        const plugin = "cellfan-lab:jobs"
        const { serviceManager } = window.jupyterapp
        await serviceManager.settings.save(plugin, JSON.stringify({ show }))
      }, value)
    await set("bar")
    await lab.reload()
    await lab.job(({ counts }) => counts.done === 199)
    await lab.page.waitForFunction(
      () => document.querySelector<HTMLElement>(".jp-OutputArea-output .cellfan-Job")?.dataset.show === "bar",
    )
    expect(await lab.page.locator(".cellfan-Grid").first().isVisible()).to.equal(false)
    expect(await lab.page.locator(".cellfan-Bar").first().isVisible()).to.equal(true)
    await set("grid")
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

  it("threw nothing in the page", () => {
    expect(lab.errors).to.deep.equal([])
  })
})
