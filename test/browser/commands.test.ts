import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { expect } from "chai"
import { jobMime } from "../../kernel-ext/protocol/job-view.ts"
import { LabPage } from "./support/lab-page.ts"
import { labSuite } from "./support/lab-suite.ts"
import { writeNotebook } from "./support/notebook-file.ts"

const setup = `import { LocalhostExecutor } from "cellfan"
const fexec = new LocalhostExecutor({ workers: 2 })`

const quick = `await fexec.map((n: number) => n, [1, 2, 3, 4], { name: "quick" })
"done"`

const endless = `const waiting = fexec.map(async (n: number) => {
  await new Promise((resolve) => setTimeout(resolve, 600_000))
  return n
}, [1, 2, 3], { name: "endless" })
await waiting.settled()
"cancelled"`

/** So many lines that the notebook has to be scrolled. */
const tall = Array.from({ length: 80 }, (_, line) => `// line ${line}`).join("\n")

describe("commands and places of the grid in JupyterLab", function () {
  this.timeout(300_000)

  const suite = labSuite()
  let lab: LabPage

  before(async () => {
    await writeNotebook(suite().folder, "commands.ipynb", [setup, quick, tall, endless])
    lab = await LabPage.open(suite(), "commands.ipynb")
    await lab.runAll()
    await lab.job(({ status, counts }) => status === "running" && counts.running === 2)
  })

  after(() => lab?.close())

  it("are in the command palette, each with a label, a caption and a description of its arguments", async () => {
    const commands = await lab.page.evaluate(async () => {
      const { commands } = window.jupyterapp
      const own = commands.listCommands().filter((id) => id.startsWith("cellfan:"))
      return Promise.all(
        own.map(async (id) => ({
          id,
          label: commands.label(id),
          caption: commands.caption(id),
          described: (await commands.describedBy(id)).args,
        })),
      )
    })
    const described = { type: "object", properties: {} }
    expect(commands).to.deep.equal([
      {
        id: "cellfan:show-jobs",
        label: "Show Jobs",
        caption: "All jobs of all kernels, and the executors they run on",
        described,
      },
      {
        id: "cellfan:cancel-jobs",
        label: "Cancel Running Jobs",
        caption: "Cancels the running jobs of the current notebook",
        described,
      },
    ])
    await lab.command("apputils:activate-command-palette")
    const palette = lab.page.locator("#command-palette")
    await palette.locator("input").fill("Show Jobs")
    await palette.locator('.lm-CommandPalette-item[data-command="cellfan:show-jobs"]').first().click()
    await lab.page.locator(".cellfan-Panel").waitFor()
  })

  it("show the cell of a job that the side panel lists", async () => {
    await lab.select(3)
    await lab.page
      .locator(".cellfan-Card", { hasText: "quick" })
      .getByRole("button", { name: "Show" })
      .click()
    await lab.page.waitForFunction(() => window.jupyterapp.shell.currentWidget.content.activeCellIndex === 1)
    await lab.page
      .locator(".cellfan-Card", { hasText: "endless" })
      .getByRole("button", { name: "Show" })
      .click()
    await lab.page.waitForFunction(() => window.jupyterapp.shell.currentWidget.content.activeCellIndex === 3)
    const cell = await lab.page.locator(".jp-CodeCell").nth(3).boundingBox()
    expect(cell?.y).to.be.within(0, 900)
  })

  it("keep the side panel where it was over a reload of the page", async () => {
    // JupyterLab saves its layout a moment after it has changed.
    const saved = lab.page.waitForResponse(
      (response) =>
        response.url().includes("/api/workspaces/") &&
        response.request().method() === "PUT" &&
        (response.request().postData() ?? "").includes("cellfan-jobs"),
      { timeout: 15_000 },
    )
    await lab.command("application:toggle-left-area")
    await lab.command("cellfan:show-jobs")
    await saved
    await lab.reload()
    await lab.page.locator("#cellfan-jobs .cellfan-Card", { hasText: "endless" }).waitFor()
  })

  it("cancel what runs in the notebook, and rest where nothing does", async () => {
    const isEnabled = () =>
      lab.page.evaluate(() => window.jupyterapp.commands.isEnabled("cellfan:cancel-jobs"))
    await lab.page.waitForFunction(() => window.jupyterapp.commands.isEnabled("cellfan:cancel-jobs"))
    await lab.command("cellfan:cancel-jobs")
    const ended = await lab.job(({ status }) => status === "cancelled")
    expect(ended.counts).to.deep.equal({ cancelled: 3 })
    await lab.idle()
    await lab.page.waitForFunction(() => !window.jupyterapp.commands.isEnabled("cellfan:cancel-jobs"))
    expect(await isEnabled()).to.equal(false)
  })

  it("show what a job has cost, where it was saved with that", async () => {
    await lab.save()
    const { folder } = suite()
    const notebook = JSON.parse(await readFile(join(folder, "commands.ipynb"), "utf8"))
    const [output] = notebook.cells[1].outputs.filter(
      ({ data }: { data?: Readonly<Record<string, unknown>> }) => data?.[jobMime] !== undefined,
    )
    output.data[jobMime].costUsd = 1.234
    await writeFile(join(folder, "cost.ipynb"), JSON.stringify(notebook))
    const other = await LabPage.open(suite(), "cost.ipynb")
    await other.job(({ counts }) => counts.done === 4)
    const numbers = other.page.locator(".jp-OutputArea-output .cellfan-Numbers").first()
    expect(await numbers.textContent()).to.match(/ · \$1\.23$/)
    expect(await numbers.getAttribute("title")).to.match(/\$1\.23 up to now$/)
    expect(other.errors).to.deep.equal([])
    await other.close()
  })

  it("threw nothing in the page", () => {
    expect(lab.errors).to.deep.equal([])
  })
})
