import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { expect } from "chai"
import type { Route } from "playwright-core"
import { jobMime, parseSavedJob } from "../../kernel-ext/protocol/job-view.ts"
import { LabPage } from "./support/lab-page.ts"
import { labSuite } from "./support/lab-suite.ts"
import { savedOutputs, writeNotebook } from "./support/notebook-file.ts"

const setup = `import { existsSync } from "node:fs"
import { LocalhostExecutor } from "cellfan"
const fexec = new LocalhostExecutor({ workers: 1 })`

/** Runs until its file is there. */
const waiting = (gate: string) => `await fexec.map(async (n: number) => {
  while (!existsSync(${JSON.stringify(gate)})) await new Promise((resolve) => setTimeout(resolve, 20))
}, [1, 2])
"done"`

describe("notebooks saved while a job runs", function () {
  this.timeout(300_000)

  const suite = labSuite()

  const open = async (name: string) => {
    const gate = join(suite().folder, `${name}.gate`)
    await writeNotebook(suite().folder, `${name}.ipynb`, [setup, waiting(gate)])
    const lab = await LabPage.open(suite(), `${name}.ipynb`)
    return { lab, go: () => writeFile(gate, "") }
  }

  const savedJob = async (name: string) => {
    const outputs = await savedOutputs(suite().folder, `${name}.ipynb`, 1)
    return outputs.map(({ data }) => parseSavedJob(data?.[jobMime])).find((job) => job !== undefined)
  }

  const dialogs = (lab: LabPage) => lab.page.locator(".jp-Dialog").count()

  const isDirty = (lab: LabPage) =>
    lab.page.evaluate(() => window.jupyterapp.shell.currentWidget.context.model.dirty)

  it("are not said to be changed on disk when the reader saves at the same moment", async () => {
    const { lab, go } = await open("moment")
    // The server's answers after our own save come late: until then JupyterLab does not know what was written.
    let saves = 0
    const saved = async (times: number) => {
      while (saves < times) await lab.page.waitForTimeout(50)
    }
    await lab.page.route("**/api/contents/moment.ipynb*", async (route: Route) => {
      const response = await route.fetch()
      if (route.request().method() === "PUT") {
        saves++
        await new Promise((resolve) => setTimeout(resolve, 2000))
      }
      await route.fulfill({ response })
    })
    await lab.runAll()
    await saved(1)
    await lab.page.evaluate(() => {
      void window.jupyterapp.shell.currentWidget.context.save()
    })
    await Promise.race([saved(2), lab.page.locator(".jp-Dialog").waitFor()])
    expect(await dialogs(lab)).to.equal(0)
    expect((await savedJob("moment"))?.counts).to.include({ running: 1 })
    await go()
    await lab.idle()
    await lab.close()
  })

  it("are left to the reader where the file was changed by somebody else", async () => {
    const { lab, go } = await open("changed")
    const file = join(suite().folder, "changed.ipynb")
    const changed = (await readFile(file, "utf8")).replace('"done\\"', '"done, they say\\"')
    await writeFile(file, changed)
    await lab.runAll()
    await lab.job(({ status, liveness }) => status === "running" && liveness === "live")
    await lab.page.waitForTimeout(4000)
    expect(await dialogs(lab)).to.equal(0)
    expect(await readFile(file, "utf8")).to.equal(changed)
    await go()
    await lab.idle()
    await lab.close()
  })

  it("are changed in one page only, of several that show the job", async () => {
    const { lab, go } = await open("pages")
    await lab.runAll()
    await lab.job(({ status, liveness }) => status === "running" && liveness === "live")
    await lab.page.waitForFunction(() => !window.jupyterapp.shell.currentWidget.context.model.dirty)
    const other = await LabPage.open(suite(), "pages.ipynb")
    await other.job(({ status, liveness }) => status === "running" && liveness === "live")
    await go()
    for (const page of [lab, other]) await page.job(({ status }) => status === "done")
    await lab.idle()
    await other.page.waitForTimeout(1000)
    expect([await isDirty(lab), await isDirty(other)]).to.deep.equal([true, false])
    await lab.save()
    expect((await savedJob("pages"))?.counts).to.include({ done: 2 })
    for (const page of [lab, other]) {
      expect(await dialogs(page)).to.equal(0)
      expect(page.errors).to.deep.equal([])
      await page.close()
    }
  })
})
