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

  it("is a picture in what nbconvert makes of it for strangers, without any HTML or SVG of the notebook's", async () => {
    const clean = "nbconvert.preprocessors.sanitize.SanitizeHTML"
    await convert("html", `--HTMLExporter.preprocessors=${clean}`, "--SanitizeHTML.enabled=True")
    const page = await openHtml()
    await seesPng(page)
    await page.close()
  })

  it("is a picture for LaTeX, where nbconvert is told not to convert the SVG", async () => {
    await convert("latex", "--SVG2PDFPreprocessor.enabled=False")
    const text = await readFile(join(suite().folder, "saved.tex"), "utf8")
    const [, file = ""] = /\\adjustimage\{[^\n]*\}\{([^}]*\.png)\}/.exec(text) ?? []
    expect(await readFile(join(suite().folder, file), "latin1")).to.match(/^\x89PNG/)
  })

  it("is a picture in JupyterLab without the extension, which draws no SVG of a notebook that is not trusted", async () => {
    const lab = await LabPage.open(suite(), "saved.ipynb")
    await seesPng(lab.page)
    const trusted = await lab.page.evaluate(
      () => window.jupyterapp.shell.currentWidget.content.widgets[0]?.model.trusted,
    )
    expect(trusted).to.equal(false)
    expect(lab.errors).to.deep.equal([])
    await lab.close()
  })
})

/** The PNG on the page: its size there, and squares in the colours of what is done and what failed. */
async function seesPng(page: Page): Promise<void> {
  const image = page.locator("img[src^='data:image/png']").first()
  await image.waitFor()
  const seen = await image.evaluate(async (node: HTMLImageElement) => {
    await node.decode()
    const canvas = document.createElement("canvas")
    canvas.width = node.naturalWidth
    canvas.height = node.naturalHeight
    const context = canvas.getContext("2d")
    context?.drawImage(node, 0, 0)
    const { data } = context?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] }
    const counts: Record<string, number> = {}
    for (let at = 0; at < data.length; at += 4) {
      const color = `${data[at]},${data[at + 1]},${data[at + 2]},${data[at + 3]}`
      counts[color] = (counts[color] ?? 0) + 1
    }
    return { width: node.getBoundingClientRect().width, counts }
  })
  expect(seen.width).to.be.within(500, 721)
  expect(seen.counts["0,153,107,255"], "pixels of what is done").to.be.greaterThan(196 * 28 * 28)
  expect(seen.counts["224,80,10,255"], "pixels of what failed").to.be.greaterThan(4 * 500)
}

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
