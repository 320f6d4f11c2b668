import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { expect } from "chai"
import type { Locator } from "playwright-core"
import { LabPage } from "./support/lab-page.ts"
import { labSuite } from "./support/lab-suite.ts"
import { writeNotebook } from "./support/notebook-file.ts"

/** 60 tasks, three of which fail at their first attempt. From the tenth on they wait for `gate`, and say so meanwhile. */
const cell = (gate: string) => `import { existsSync } from "node:fs"
import { LocalhostExecutor } from "cellfan"
const fexec = new LocalhostExecutor({ workers: 2 })
const job = fexec.map(async ({ n }: { n: number }, ctx) => {
  ctx.progress(0.5, "half way")
  for (let tick = 0; n >= 10 && !existsSync(${JSON.stringify(gate)}); tick++) {
    console.log("tick", tick)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  await new Promise((resolve) => setTimeout(resolve, n >= 10 ? 200 : 5))
  if (n % 20 === 7 && ctx.attempt === 1) throw new RangeError("seven in " + n)
  return { n, text: "result " + n }
}, Array.from({ length: 60 }, (_, n) => ({ n })), { chunkSize: 1, name: "reads" })
await job.settled()
"settled"`

describe("what a reader sees of a job, and does to its tasks", function () {
  this.timeout(300_000)

  const suite = labSuite()
  let lab: LabPage
  let gate: string
  let job: Locator
  let details: Locator

  before(async () => {
    gate = join(suite().folder, "gate")
    await writeNotebook(suite().folder, "reading.ipynb", [cell(gate)])
    lab = await LabPage.open(suite(), "reading.ipynb")
    await lab.command("application:toggle-left-area")
    await lab.runAll()
    job = lab.page.locator(".jp-OutputArea-output .cellfan-Job").first()
    details = job.locator(".cellfan-Details")
    await lab.job(({ counts }) => counts.done === 9 && counts.failed === 1 && counts.running === 2)
  })

  after(() => lab?.close())

  const click = async (task: number) => {
    const at = await lab.squareOf(0, task)
    await lab.page.mouse.click(at.x, at.y)
    await details.getByText(`Task ${task} · `).waitFor()
  }

  /** A colour of the states as the page has it now. */
  const colour = (state: string) =>
    lab.page.evaluate((name) => {
      const node = document.querySelector(".jp-OutputArea-output .cellfan-Job")
      const context = document.createElement("canvas").getContext("2d")
      if (node === null || context === null) throw new Error("No job, or no canvas")
      context.fillStyle = getComputedStyle(node).getPropertyValue(`--cellfan-${name}`).trim()
      context.fillRect(0, 0, 1, 1)
      const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data
      return [red, green, blue] as const
    }, state)

  it("says how far it is, for how long, where it runs, and what was sent", async () => {
    await job.locator(".cellfan-Numbers", { hasText: /^10 of 60 · (.*\/s · )?\d+(\.\d)? s/ }).waitFor()
    expect(await job.locator(".cellfan-Place").textContent()).to.equal("LocalhostExecutor, 2 workers")
    await job.locator(".cellfan-Traffic", { hasText: /\d (kB|B) sent/ }).waitFor()
  })

  it("tells of the square under the pointer: index, state, how long it took, its input", async () => {
    const at = await lab.squareOf(0, 7)
    await lab.page.mouse.move(at.x, at.y)
    const tip = job.locator(".cellfan-Box > .cellfan-Tip")
    await tip.locator(".cellfan-Tip-title", { hasText: /^Task 7 · failed$/ }).waitFor()
    await tip.locator(".cellfan-Tip-more", { hasText: /^\d+ ms · \{ n: 7 \}$/ }).waitFor()
    await lab.page.mouse.move(at.x, at.y - 200)
    await tip.waitFor({ state: "hidden" })
  })

  it("opens what has ended with its input, its result and its times", async () => {
    await click(3)
    await details.locator("dd", { hasText: "{ n: 3, text: 'result 3' }" }).waitFor()
    expect(await details.locator("dd").allTextContents()).to.deep.equal([
      "{ n: 3 }",
      "{ n: 3, text: 'result 3' }",
    ])
    expect(await details.locator(".cellfan-Times-words").textContent()).to.match(
      /^waited .+ · ran \d.* · the whole job \d/,
    )
    expect(await details.locator(".cellfan-Times-part").count()).to.equal(2)
  })

  it("opens what runs with its progress, and with what it writes while it writes", async () => {
    await click(10)
    await details.locator("dd", { hasText: "50 % · half way" }).waitFor()
    const log = details.locator(".cellfan-Log")
    const newest = async () => Number(/tick (\d+)\n$/.exec((await log.textContent()) ?? "")?.[1] ?? -1)
    await log.waitFor()
    const before = await newest()
    const end = Date.now() + 20_000
    while ((await newest()) < before + 5 && Date.now() < end) await lab.page.waitForTimeout(50)
    expect(await newest()).to.be.at.least(before + 5)
  })

  it("cancels one task, and no other", async () => {
    await click(11)
    await details.getByRole("button", { name: "Cancel task" }).click()
    await details.getByText("Task 11 · cancelled").waitFor()
    const now = await lab.job(({ counts }) => counts.cancelled === 1 && counts.running === 2)
    expect(now).to.deep.include({ status: "running" })
    expect(now.counts).to.include({ done: 9, failed: 1 })
  })

  it("jumps to the first that failed by F, steps to its neighbours, and closes", async () => {
    await details.getByRole("button", { name: "Close details" }).click()
    await details.waitFor({ state: "hidden" })
    await job.locator(".cellfan-Grid").press("Home")
    await job.locator(".cellfan-Grid").press("f")
    await details.getByText("Task 7 · failed").waitFor()
    await details.getByRole("button", { name: "Task after" }).click()
    await details.getByText("Task 8 · done").waitFor()
    await details.getByRole("button", { name: "Task before" }).click()
    await details.getByText("Task 7 · failed").waitFor()
    await details.getByRole("button", { name: "Close details" }).click()
  })

  it("has larger and smaller squares by its buttons and by plus and minus", async () => {
    const grid = job.locator(".cellfan-Grid")
    const failed = await colour("failed")
    const before = await lab.pixels(0, failed)
    await job.getByRole("button", { name: "Larger squares" }).click()
    await lab.painted(0, failed, (pixels) => pixels > before * 1.2)
    await job.getByRole("button", { name: "Smaller squares" }).click()
    await lab.painted(0, failed, (pixels) => pixels === before)
    await grid.press("+")
    await lab.painted(0, failed, (pixels) => pixels > before * 1.2)
    await grid.press("-")
    await lab.painted(0, failed, (pixels) => pixels === before)
  })

  it("is drawn in colours of the dark theme, and in the reader's own where those are forced, apart in both", async () => {
    const states = ["done", "failed", "running", "queued", "cancelled"] as const
    const palette = async () => Promise.all(states.map(colour))
    const light = await palette()
    const ways = {
      dark: {
        on: () => lab.theme("JupyterLab Dark"),
        off: () => lab.theme("JupyterLab Light"),
      },
      forced: {
        on: () => lab.page.emulateMedia({ forcedColors: "active" }),
        off: () => lab.page.emulateMedia({ forcedColors: "none" }),
      },
    }
    for (const [name, { on, off }] of Object.entries(ways)) {
      await on()
      const colours = await palette()
      expect(colours, name).to.not.deep.equal(light)
      expect(new Set(colours.map(String)).size, `${name}: ${colours.join(" | ")}`).to.equal(states.length)
      for (const own of colours) await lab.painted(0, own, (pixels) => pixels > 20)
      await off()
    }
    for (const own of light) await lab.painted(0, own, (pixels) => pixels > 20)
  })

  it("says its rate and how long it may take still, and tells screen readers once a second at most", async () => {
    await lab.page.evaluate(() => {
      const status = document.querySelector(".jp-OutputArea-output .cellfan-Job [role=status]")
      if (status === null) throw new Error("No status")
      const said: number[] = []
      Object.assign(globalThis, { said })
      new MutationObserver(() => said.push(performance.now())).observe(status, {
        childList: true,
        characterData: true,
        subtree: true,
      })
    })
    await writeFile(gate, "")
    await job
      .locator(".cellfan-Numbers", {
        hasText: /^\d+ of 60 · \d+(\.\d)?\/s · \d+(\.\d)? s · about \d+(\.\d)? s left$/,
      })
      .waitFor()
    const ended = await lab.job(({ status, said }) => status === "failed" && said.includes("3 failed"))
    expect(ended.counts).to.deep.equal({ done: 56, failed: 3, cancelled: 1 })
    const said = await lab.page.evaluate(() => (globalThis as unknown as { said: number[] }).said)
    expect(said.length).to.be.within(2, 30)
    // A timer may come a little early.
    const waits = said.slice(1).map((at, i) => at - (said[i] ?? 0))
    for (const waited of waits) expect(waited).to.be.above(950)
  })

  it("runs one task again, which says that it is the second attempt", async () => {
    await click(27)
    await details.getByRole("button", { name: "Retry task" }).click()
    await details.locator(".cellfan-Details-facts", { hasText: /^attempt 2 · on localhost:\d+$/ }).waitFor()
    await details.getByText("Task 27 · done").waitFor()
    const now = await lab.job(({ counts }) => counts.done === 57)
    expect(now.counts).to.deep.equal({ done: 57, failed: 2, cancelled: 1 })
  })

  it("runs again all that failed or was cancelled, and then is done", async () => {
    await job.getByRole("button", { name: "Retry 3 tasks" }).click()
    const now = await lab.job(({ status }) => status === "done")
    expect(now.counts).to.deep.equal({ done: 60 })
    await job.getByRole("button", { name: /^Retry/ }).waitFor({ state: "hidden" })
    expect(await job.locator(".cellfan-Failures").isVisible()).to.equal(false)
  })

  it("threw nothing in the page", () => {
    expect(lab.errors).to.deep.equal([])
  })
})
