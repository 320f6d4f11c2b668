import { join } from "node:path"
import { expect } from "chai"
import { LabPage } from "./support/lab-page.ts"
import { labSuite } from "./support/lab-suite.ts"
import { writeNotebook } from "./support/notebook-file.ts"

const cells = [
  `/**
 * Adds two numbers.
 *
 * @param a The first one.
 * @example
 * add(1, 2)
 */
function add(a: number, b: number): number { return a + b }
class Point { constructor(readonly x: number) {} }
const words = ["a", "bb"]
enum Colour { Red }
interface Options { size: number }
import * as path from "node:path"`,
  "words.",
  "add(1, 2)",
  "const total: string = add(1, 2)\ntotal",
  "%%LocalhostExecutor --map words --workers 2 --as word\nword.length",
  "%%LocalhostExecutor --",
]

/** What an editor in the browser shows of the kernel's answers, at a cell that has the cursor. */
describe("writing cells in JupyterLab", function () {
  this.timeout(300_000)

  const suite = labSuite()
  let lab: LabPage

  before(async () => {
    await writeNotebook(suite().folder, "editing.ipynb", cells)
    lab = await LabPage.open(suite(), "editing.ipynb")
    await lab.run(0)
    await lab.idle()
  })
  after(() => lab?.close())
  afterEach(() => lab.page.keyboard.press("Escape"))

  const editor = (cell: number) => lab.page.locator(".jp-CodeCell").nth(cell).locator(".cm-content")

  /** Puts the cursor behind `text` in the first line of a cell. */
  async function cursorBehind(cell: number, text: string): Promise<void> {
    await editor(cell).click()
    await lab.page.keyboard.press("Control+Home")
    for (const _ of text) await lab.page.keyboard.press("ArrowRight")
  }

  /** For somebody to look at: $CELLFAN_TEST_PICTURES names a folder. */
  async function picture(name: string): Promise<void> {
    const folder = process.env.CELLFAN_TEST_PICTURES
    if (folder !== undefined) await lab.page.screenshot({ path: join(folder, `${name}.png`) })
  }

  async function completions(cell: number, text: string) {
    await cursorBehind(cell, text)
    await lab.command("completer:invoke-notebook")
    const list = lab.page.locator(".jp-Completer:not(.lm-mod-hidden) .jp-Completer-item")
    await list.first().waitFor()
    return list.evaluateAll((items) =>
      items.map((item) => ({
        text: item.querySelector(".jp-Completer-match")?.textContent,
        type: item
          .querySelector(".jp-Completer-icon, .jp-Completer-monogram")
          ?.getAttribute("data-color-index"),
        extended: item.querySelector(".jp-Completer-typeExtended")?.textContent,
      })),
    )
  }

  async function tooltip(cell: number, text: string): Promise<string> {
    const shown = lab.page.locator(".jp-Tooltip")
    // It is there before its text is.
    const told = shown.filter({ hasText: /\S/ })
    // The one before goes a moment after Escape was pressed.
    await shown.waitFor({ state: "detached" })
    await cursorBehind(cell, text)
    await lab.command("tooltip:launch-notebook")
    await told.waitFor()
    return told.innerText()
  }

  it("offers members with what they are", async () => {
    const offered = await completions(1, "words.")
    await picture("completion-members")
    expect(offered).to.deep.include({ text: "map", type: offered[0]?.type, extended: "method" })
    expect(offered.map(({ text }) => text)).to.include("length")
  })

  it("offers the notebook's names, each with its kind", async () => {
    await completions(2, "")
    await picture("completion-names")
  })

  it("offers flags of a magic", async () => {
    const offered = await completions(5, "%%LocalhostExecutor --")
    await picture("completion-flags")
    expect(offered.map(({ text }) => text)).to.include("--workers")
    expect(offered[0]?.extended).to.equal("flag")
  })

  it("tells of a function, of a magic, of its flag and of the flag's value", async () => {
    const ofFunction = await tooltip(2, "add")
    await picture("tooltip-function")
    expect(ofFunction)
      .to.include("function add(a: number, b: number): number")
      .and.to.include("Adds two numbers.")
    await lab.page.keyboard.press("Escape")
    const ofMagic = await tooltip(4, "%%Local")
    await picture("tooltip-magic")
    expect(ofMagic).to.include("Runs tasks in worker processes on this machine").and.to.include("--map ITEMS")
    await lab.page.keyboard.press("Escape")
    const ofFlag = await tooltip(4, "%%LocalhostExecutor --map words --wor")
    await picture("tooltip-flag")
    expect(ofFlag).to.include("--workers N")
    await lab.page.keyboard.press("Escape")
    const ofValue = await tooltip(4, "%%LocalhostExecutor --map wo")
    await picture("tooltip-value")
    expect(ofValue).to.include("const words: string[]")
  })

  it("colours what is TypeScript's own", async () => {
    const colourOf = (word: string) =>
      editor(0)
        .locator("span", { hasText: new RegExp(`^${word}$`) })
        .first()
        .evaluate((span) => getComputedStyle(span).color)
    expect(await colourOf("interface")).to.equal(await colourOf("class"))
    expect(await colourOf("enum")).to.equal(await colourOf("class"))
  })

  it("shows an error of types with the code around, readable in both themes", async () => {
    await lab.run(3)
    const output = lab.page.locator(".jp-CodeCell").nth(3).locator(".jp-OutputArea-output")
    await output.waitFor()
    const text = await output.innerText()
    expect(text).to.include("error TS2322: Type 'number' is not assignable to type 'string'.")
    expect(text).to.include("> 1 | const total: string = add(1, 2)")
    for (const theme of ["JupyterLab Light", "JupyterLab Dark"] as const) {
      await lab.theme(theme)
      await output.scrollIntoViewIfNeeded()
      await picture(`error-${theme.split(" ")[1]?.toLowerCase()}`)
    }
    expect(lab.errors).to.deep.equal([])
  })
})
