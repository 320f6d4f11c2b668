import { expect } from "chai"
import { LabPage } from "./support/lab-page.ts"
import { labSuite } from "./support/lab-suite.ts"
import { writeNotebook } from "./support/notebook-file.ts"

const cell = `import { LocalhostExecutor } from "cellfan"
const fexec = new LocalhostExecutor({ workers: 2 })
const nap = async (n: number) => n
await fexec.map(nap, [1, 2, 3]).settled()
"done"`

/** A language pack as JupyterLab's server hands it out. */
const german = {
  "": { domain: "cellfan", language: "de", plural_forms: "nplurals=2; plural=(n != 1);" },
  done: ["fertig"],
  Timeline: ["Zeitverlauf"],
  "%1 workers": ["%1 Arbeiter"],
  Jobs: ["Aufträge"],
  Executors: ["Ausführer"],
}

describe("the grid in another language", function () {
  this.timeout(300_000)

  const suite = labSuite()
  let lab: LabPage

  before(async () => {
    await writeNotebook(suite().folder, "words.ipynb", [cell])
    await suite().context.route(/\/api\/translations\/[a-z]/i, (route) =>
      route.fulfill({ json: { data: { cellfan: german }, message: "" } }),
    )
    lab = await LabPage.open(suite(), "words.ipynb")
    await lab.setting("@jupyterlab/translation-extension:plugin", { locale: "de_DE" })
    await lab.reload()
    await lab.runAll()
  })

  after(() => lab?.close())

  it("speaks it under the cell and in the side panel", async () => {
    await lab.job(({ counts }) => counts.done === 3)
    const job = lab.page.locator(".jp-OutputArea-output .cellfan-Job")
    expect(await job.locator('.cellfan-Chip[data-state="done"]').textContent()).to.equal("3 fertig")
    expect(await job.locator(".cellfan-Place").textContent()).to.equal("LocalhostExecutor, 2 Arbeiter")
    await job.getByRole("tab", { name: "Zeitverlauf" }).waitFor()
    await lab.command("cellfan:show-jobs")
    await lab.page.locator(".cellfan-Card", { hasText: "3 fertig" }).waitFor()
    expect(await lab.page.locator(".cellfan-Panel-title").allTextContents()).to.deep.equal([
      "Aufträge",
      "Ausführer",
    ])
  })

  it("threw nothing in the page", () => {
    expect(lab.errors).to.deep.equal([])
  })
})
