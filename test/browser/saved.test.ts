import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { expect } from "chai"
import type { Page } from "playwright-core"
import { runPython } from "../support/jupyter.ts"
import { LabPage } from "./support/lab-page.ts"
import { labSuite } from "./support/lab-suite.ts"
import { writeNotebook } from "./support/notebook-file.ts"

const cell = `import { LocalhostExecutor } from "cellfan"
const fexec = new LocalhostExecutor({ workers: 2 })
const check = (n: number) => {
  if (n % 50 === 7) throw new Error("checksum differs")
}
await fexec.map(check, Array.from({ length: 200 }, (_, n) => n)).settled()
"done"`

/** A notebook that was run, by what people look at it with when it is not run. */
describe("the grid in a saved notebook", function () {
  this.timeout(300_000)

  const suite = labSuite({ without: ["cellfan-lab"] })

  before(async () => {
    await writeNotebook(suite().folder, "saved.ipynb", [cell])
    const execute = ["-m", "jupyter", "nbconvert", "--to", "notebook", "--inplace", "--execute"]
    const { code, stderr } = await runPython([...execute, "saved.ipynb"], { cwd: suite().folder })
    expect(code, stderr).to.equal(0)
  })

  async function convert(...to: string[]): Promise<void> {
    const args = ["-m", "jupyter", "nbconvert", "--to", ...to, "saved.ipynb"]
    const { code, stderr } = await runPython(args, { cwd: suite().folder })
    expect(code, stderr).to.equal(0)
  }

  /** The page without what it would load from the network. */
  async function openHtml(): Promise<Page> {
    const path = join(suite().folder, "saved.html")
    const html = await readFile(path, "utf8")
    await writeFile(path, html.replaceAll(/<script src=[^>]*><\/script>/g, ""))
    const page = await suite().context.newPage()
    await page.goto(`file://${path}`, { waitUntil: "domcontentloaded" })
    return page
  }

  it("is a picture with its words in nbconvert's HTML, and in the PDF that Chromium prints of it", async () => {
    await convert("html")
    const page = await openHtml()
    const picture = page.locator("svg[role=img], img[src^='data:image/svg']").first()
    await picture.waitFor()
    expect((await picture.boundingBox())?.width).to.be.greaterThan(300)
    const source = (await picture.getAttribute("src")) ?? (await picture.evaluate((node) => node.outerHTML))
    const [, base64] = /base64,(.*)/s.exec(source) ?? []
    const svg = base64 === undefined ? source : Buffer.from(base64, "base64").toString()
    expect(svg).to.include("196 done, 4 failed")
    const pdf = await page.pdf()
    expect(pdf.subarray(0, 5).toString()).to.equal("%PDF-")
    // Squares are drawn by shading patterns or paths: a page without the picture is far smaller.
    await picture.evaluate((node) => node.remove())
    expect(pdf.length - (await page.pdf()).length).to.be.greaterThan(1000)
    await page.close()
  })

  it("is a picture in a file of its own beside nbconvert's Markdown", async () => {
    await convert("markdown")
    const text = await readFile(join(suite().folder, "saved.md"), "utf8")
    const [, file = ""] = /!\[svg\]\(([^)]+\.svg)\)/.exec(text) ?? []
    expect(await readFile(join(suite().folder, file), "utf8")).to.match(
      /^<svg .*196 done, 4 failed.*<\/svg>/s,
    )
  })

  it("is its words in JupyterLab without the extension, which draws no SVG of a notebook that is not trusted", async () => {
    const lab = await LabPage.open(suite(), "saved.ipynb")
    await lab.page.locator(".jp-OutputArea-output", { hasText: "196 done, 4 failed" }).first().waitFor()
    const trusted = await lab.page.evaluate(
      () => window.jupyterapp.shell.currentWidget.content.widgets[0]?.model.trusted,
    )
    expect(trusted).to.equal(false)
    expect(lab.errors).to.deep.equal([])
    await lab.close()
  })
})

describe("the grid in a saved notebook that is not trusted, with the extension", function () {
  this.timeout(300_000)

  const suite = labSuite()

  it("is drawn, since it runs nothing that the notebook brings", async () => {
    await writeNotebook(suite().folder, "saved.ipynb", [cell])
    const execute = ["-m", "jupyter", "nbconvert", "--to", "notebook", "--inplace", "--execute"]
    const { code, stderr } = await runPython([...execute, "saved.ipynb"], { cwd: suite().folder })
    expect(code, stderr).to.equal(0)
    const lab = await LabPage.open(suite(), "saved.ipynb")
    const job = await lab.job(({ status }) => status === "failed")
    expect(job.counts).to.deep.equal({ done: 196, failed: 4 })
    const trusted = await lab.page.evaluate(
      () => window.jupyterapp.shell.currentWidget.content.widgets[0]?.model.trusted,
    )
    expect(trusted).to.equal(false)
    expect(lab.errors).to.deep.equal([])
    await lab.close()
  })
})
