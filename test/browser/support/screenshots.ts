import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser, BrowserContext } from "playwright-core"
import { runPython, startJupyter } from "../../support/jupyter.ts"
import { LabPage, launchChromium } from "./lab-page.ts"
import { writeNotebook } from "./notebook-file.ts"

/** Pictures of the grid on the real JupyterLab and kernel, for people to look at: `npm run screenshots`. */

const setup = `import { LocalhostExecutor } from "cellfan"
const fexec = new LocalhostExecutor({ workers: 4 })`

const bootstrap = `/** One resample of a day's flight delays. */
const resample = async (day: number) => {
  console.log("day", day, "of 1200")
  const until = performance.now() + 10 + (day * 7919) % 47
  while (performance.now() < until);
  if (day % 127 === 41) throw new RangeError(\`day \${day} has no flights\`)
  return Math.sin(day)
}
const job = fexec.map(resample, Array.from({ length: 1200 }, (_, day) => day))
const outcomes = await job.settled()`

const many = (size: number) => `const check = (n: number) => {
  if (n % ${Math.round(size / 40)} === 77) throw new Error("checksum differs")
  return n
}
await fexec.map(check, Array.from({ length: ${size} }, (_, n) => n), { name: "check" }).settled()
"done"`

/** A hundred tasks that go on while a thousand others do. */
const hundred = `const fetchDay = async (day: number) => {
  await new Promise((resolve) => setTimeout(resolve, 400 + (day * 331) % 900))
  if (day === 12) throw new TypeError("no file for day 12")
  return day
}
const scan = async (n: number) => {
  await new Promise((resolve) => setTimeout(resolve, 20 + (n * 7919) % 60))
  return n
}
const others = new LocalhostExecutor({ workers: 3 })
const jobs = [
  fexec.map(fetchDay, Array.from({ length: 100 }, (_, day) => day)),
  others.map(scan, Array.from({ length: 2000 }, (_, n) => n)),
]
"both run on"`

export async function takeScreenshots(options: { chromium: string; folder: string }): Promise<string[]> {
  const work = await mkdtemp(join(tmpdir(), "cellfan-screenshots-"))
  await mkdir(options.folder, { recursive: true })
  const browser = await launchChromium(options.chromium)
  const camera = new Camera(browser, options.folder)
  try {
    await inLab(camera, work)
    await inNotebook7(camera, work)
    await saved(camera, work)
  } finally {
    await browser.close()
    await rm(work, { recursive: true, force: true })
  }
  return camera.taken
}

class Camera {
  readonly taken: string[] = []
  readonly #browser: Browser
  readonly #folder: string

  constructor(browser: Browser, folder: string) {
    this.#browser = browser
    this.#folder = folder
  }

  context(width = 1180, height = 860): Promise<BrowserContext> {
    return this.#browser.newContext({ viewport: { width, height } })
  }

  async take(page: { screenshot(options: { path: string }): Promise<unknown> }, name: string): Promise<void> {
    const path = join(this.#folder, `${name}.png`)
    await page.screenshot({ path })
    this.taken.push(path)
  }
}

async function inLab(camera: Camera, folder: string): Promise<void> {
  const server = await startJupyter({ folder, args: ["--LabApp.expose_app_in_browser=True"] })
  try {
    await writeNotebook(folder, "delays.ipynb", [setup, bootstrap])
    await writeNotebook(folder, "many.ipynb", [setup, many(10_000), many(100_000)])
    const lab = await LabPage.open({ context: await camera.context(), server }, "delays.ipynb")
    await lab.command("application:toggle-left-area")
    await lab.runAll()
    await lab.job(({ counts }) => (counts.done ?? 0) > 500)
    await camera.take(lab.page, "running-light")
    await lab.theme("JupyterLab Dark")
    await camera.take(lab.page, "running-dark")
    await lab.job(({ status }) => status === "failed", 60_000)
    await lab.page.locator(".cellfan-Failure-tasks button").nth(1).click()
    await lab.page.locator(".cellfan-Stack").first().waitFor()
    await lab.page.waitForTimeout(500)
    await camera.take(lab.page, "details-dark")
    await lab.theme("JupyterLab Light")
    await camera.take(lab.page, "details-light")
    await lab.page.getByRole("button", { name: "Close details" }).click()
    for (const name of ["Timeline", "Durations"]) {
      await lab.page.getByRole("tab", { name }).click()
      await lab.page.waitForTimeout(1000)
      await camera.take(lab.page, name.toLowerCase())
    }
    await lab.page.getByRole("tab", { name: "Grid" }).click()
    await lab.page.emulateMedia({ forcedColors: "active" })
    await lab.page.locator(".cellfan-Failure-tasks button").first().click()
    await lab.page.waitForTimeout(1000)
    await camera.take(lab.page, "forced-colors")
    await lab.close()
    await inPanel(camera, server, folder)
    await inLabMany(camera, server)
  } finally {
    await server.close()
  }
}

async function inPanel(
  camera: Camera,
  server: Awaited<ReturnType<typeof startJupyter>>,
  folder: string,
): Promise<void> {
  await writeNotebook(folder, "two-jobs.ipynb", [setup, hundred])
  const lab = await LabPage.open({ context: await camera.context(1180, 900), server }, "two-jobs.ipynb")
  await lab.command("cellfan:show-jobs")
  await lab.runAll()
  await lab.job(({ counts }) => (counts.done ?? 0) > 20 && (counts.failed ?? 0) > 0, 60_000)
  await camera.take(lab.page, "panel")
  await lab.close()
}

async function inLabMany(camera: Camera, server: Awaited<ReturnType<typeof startJupyter>>): Promise<void> {
  const lab = await LabPage.open({ context: await camera.context(1180, 1400), server }, "many.ipynb")
  await lab.runAll()
  await lab.job(({ status, counts }) => status !== "running" && (counts.done ?? 0) > 90_000, 90_000)
  await lab.idle()
  await lab.page.waitForTimeout(1500)
  await lab.command("cellfan:show-jobs")
  await lab.page.locator(".cellfan-Card").nth(1).waitFor()
  // The kernels of other notebooks are asked where their tasks are.
  await lab.page.waitForTimeout(1500)
  await camera.take(lab.page, "many-and-panel")
  await lab.save()
  await lab.close()
}

async function inNotebook7(camera: Camera, folder: string): Promise<void> {
  const args = ["--JupyterNotebookApp.expose_app_in_browser=True"]
  const server = await startJupyter({ folder, module: "notebook", args })
  try {
    await writeNotebook(folder, "seven.ipynb", [setup, bootstrap])
    const page = await LabPage.open({ context: await camera.context(), server }, "seven.ipynb", "notebook")
    await page.runAll()
    await page.job(({ counts }) => (counts.done ?? 0) > 500, 60_000)
    await camera.take(page.page, "notebook-7")
    await page.close()
  } finally {
    await server.close()
  }
}

/** What nbconvert makes of the saved notebook, without any extension. */
async function saved(camera: Camera, folder: string): Promise<void> {
  const converted = await runPython(["-m", "nbconvert", "--to", "html", "many.ipynb"], { cwd: folder })
  if (converted.code !== 0) throw new Error(`nbconvert failed:\n${converted.stderr}`)
  // Its scripts come from the network, which a picture does not need.
  const html = (await readFile(join(folder, "many.html"), "utf8")).replaceAll(
    /<script src=[^>]*><\/script>/g,
    "",
  )
  await writeFile(join(folder, "many.html"), html)
  const page = await (await camera.context(1180, 1250)).newPage()
  await page.goto(`file://${join(folder, "many.html")}`, { waitUntil: "domcontentloaded" })
  await page.waitForTimeout(500)
  await camera.take(page, "saved-html")
}
