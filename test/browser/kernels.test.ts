import { expect } from "chai"
import { LabPage } from "./support/lab-page.ts"
import { labSuite } from "./support/lab-suite.ts"
import { writeNotebook } from "./support/notebook-file.ts"

const setup = `import { LocalhostExecutor } from "cellfan"
const fexec = new LocalhostExecutor({ workers: 2 })
const wait = async (n: number) => {
  await new Promise((resolve) => setTimeout(resolve, 60_000))
  return n
}`

const start = (name: string) => `const job = fexec.map(wait, [1, 2, 3, 4, 5], { name: "${name}" })
"its job goes on"`

describe("jobs of all kernels in JupyterLab", function () {
  this.timeout(300_000)

  const suite = labSuite()
  let lab: LabPage

  before(async () => {
    for (const name of ["mine", "other"])
      await writeNotebook(suite().folder, `${name}.ipynb`, [setup, start(name), "job.cancel()"])
    lab = await LabPage.open(suite(), "mine.ipynb")
    await lab.command("cellfan:show-jobs")
    await lab.run(0)
    await lab.run(1)
    await lab.job(({ status, counts }) => status === "running" && counts.running === 2)
    await lab.save()
  })

  after(() => lab?.close())

  const card = (name: string) =>
    lab.page.locator(".cellfan-Card", { has: lab.page.locator(".cellfan-Name", { hasText: name }) })

  /** Waits until the small squares of a job have some in the colour of what runs. */
  const runsInSquares = async (name: string) => {
    const canvas = card(name).locator(".cellfan-MiniGrid")
    await canvas.waitFor()
    const running = () =>
      canvas.evaluate((node: HTMLCanvasElement) => {
        const { data } = node.getContext("2d")?.getImageData(0, 0, node.width, node.height) ?? { data: [] }
        let count = 0
        for (let at = 0; at < data.length; at += 4)
          if (data[at] === 70 && data[at + 1] === 167 && data[at + 2] === 232) count++
        return count
      })
    for (const end = Date.now() + 15_000; (await running()) === 0; ) {
      if (Date.now() > end) throw new Error(`No square of ${name} says that its task runs`)
      await lab.page.waitForTimeout(50)
    }
  }

  it("lists a job of a notebook that was closed, with its squares, and shows its notebook again", async () => {
    await lab.command("application:close-all")
    await lab.page.locator(".jp-Notebook").waitFor({ state: "detached" })
    await card("mine").getByText("2 running, 3 queued").waitFor()
    await runsInSquares("mine")
    expect(await card("mine").textContent()).to.include("mine.ipynb [2]")
    await lab.page.locator(".cellfan-mod-executor", { hasText: "mine.ipynb · 2 workers, 2 busy" }).waitFor()
    await card("mine").getByRole("button", { name: "Show" }).click()
    await lab.ready()
    await lab.job(({ status, liveness }) => status === "running" && liveness === "live")
    await lab.page.waitForFunction(() => window.jupyterapp.shell.currentWidget.content.activeCellIndex === 1)
    await lab.page.waitForFunction(() => document.querySelectorAll(".cellfan-Card").length === 1)
  })

  it("lists and cancels a job that another page runs in a notebook that is not open here", async () => {
    const other = await LabPage.open(suite(), "other.ipynb")
    await other.run(0)
    await other.run(1)
    await other.job(({ status, counts }) => status === "running" && counts.running === 2)
    await lab.page.bringToFront()
    await card("other").getByText("2 running, 3 queued").waitFor()
    expect(await card("other").textContent()).to.include("other.ipynb [2]")
    await runsInSquares("other")
    await lab.page.locator(".cellfan-StatusItem", { hasText: "2 jobs: 0 of 10 tasks" }).waitFor()
    await card("other").getByRole("button", { name: "Cancel" }).click()
    await other.job(({ status, counts }) => status === "cancelled" && counts.cancelled === 5)
    await card("other").getByText("5 cancelled").waitFor()
    await other.close()
  })

  it("leaves the comms of a kernel to its notebook, which is live when it is opened here later", async () => {
    await lab.save()
    await lab.command("application:close-all")
    await card("other").getByRole("button", { name: "Show" }).click()
    await lab.ready()
    await lab.run(1)
    await lab.job(
      ({ status, liveness, counts }) => status === "running" && liveness === "live" && counts.running === 2,
    )
    const handled = await lab.page.evaluate(
      () => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.handleComms,
    )
    expect(handled).to.equal(true)
    await lab.run(2)
    await lab.job(({ status, liveness }) => status === "cancelled" && liveness === "live")
  })

  it("says in every page that the kernel is gone which one of them restarted", async () => {
    await lab.run(1)
    const { id } = await lab.job(({ status, counts }) => status === "running" && counts.running === 2)
    await lab.save()
    const other = await LabPage.open(suite(), "other.ipynb")
    await other.job((job) => job.id === id && job.liveness === "live" && job.status === "running")
    await lab.restart()
    for (const page of [lab, other])
      await page.job((job) => job.id === id && job.status === "stopped" && job.liveness === "gone")
    await card("other").waitFor({ state: "detached" })
    // Nothing of the page it was in has to be loaded again for the kernel's next job.
    await lab.run(0)
    await lab.run(1)
    await lab.job((job) => job.id !== id && job.liveness === "live" && job.counts.running === 2)
    await card("other").waitFor()
    await lab.run(2)
    await other.close()
    await lab.save()
    await lab.command("application:close-all")
  })

  it("shows a console's job live in the console and in the panel, where its time goes on", async () => {
    await lab.command("console:create", { kernelPreference: { name: "cellfan" }, activate: true })
    await lab.page.waitForFunction(
      () =>
        // Before its banner is there, a console may still be cleared.
        document.querySelector(".jp-CodeConsole-banner")?.textContent?.includes("cellfan") === true &&
        window.jupyterapp.shell.currentWidget.sessionContext?.session?.kernel?.status === "idle",
    )
    const inject = (code: string) =>
      lab.page.evaluate((text) => {
        const { commands, shell } = window.jupyterapp
        const { path } = shell.currentWidget.sessionContext
        return commands.execute("console:inject", { path, code: text, activate: true })
      }, code)
    await inject(setup)
    await inject(start("typed"))
    const shown = lab.page.locator('.jp-CodeConsole .cellfan-Job[data-status="running"]')
    await shown.getByText("2 running").waitFor()
    await card("typed").getByText("2 running, 3 queued").waitFor()
    expect(await card("typed").textContent()).to.include("Console 1 [2]")
    await card("typed")
      .locator(".cellfan-Numbers", { hasText: /^[3-9]\.\d s$/ })
      .waitFor()
    await card("typed").getByRole("button", { name: "Cancel" }).click()
    await lab.page.locator('.jp-CodeConsole .cellfan-Job[data-status="cancelled"]').waitFor()
    await card("typed").getByText("5 cancelled").waitFor()
  })

  it("threw nothing in the page", () => {
    expect(lab.errors).to.deep.equal([])
  })
})
