import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { join } from "node:path"
import { expect } from "chai"
import { build } from "esbuild"
import type { Page } from "playwright-core"
import { venv } from "../../scripts/util/paths.mjs"
import { root } from "../support/repository.ts"
import { labSuite } from "./support/lab-suite.ts"
import type {} from "./support/vscode/page.ts"

const setup = `import { LocalhostExecutor } from "cellfan"
const fexec = new LocalhostExecutor({ workers: 2 })
const wait = async (n: number) => {
  if (n >= 40) await new Promise((resolve) => setTimeout(resolve, 60_000))
  if (n === 7) throw new RangeError("seven")
  return n
}
await fexec.map(wait, Array.from({ length: 50 }, (_, n) => n), { chunkSize: 1 }).settled()
"ended"`

describe("the grid in the widget manager of VS Code's Jupyter extension", function () {
  this.timeout(240_000)

  // VS Code says nothing before its first widget: the kernel goes by the environment that it gives.
  const suite = labSuite({ env: { VSCODE_PID: "1" } })
  let page: Page
  const thrown: string[] = []

  before(async () => {
    const { context, server } = suite()
    // The page is no file of the server's, and so counts as one from the Internet.
    await context.grantPermissions(["local-network-access"])
    page = await context.newPage()
    page.on("pageerror", (error) => thrown.push(String(error)))
    await serveVsCode(page, `${server.url}vscode`)
    await page.goto(`${server.url}vscode/?token=${server.token}`)
    await page.waitForFunction(() => window.vscode !== undefined, undefined, { timeout: 60_000 })
    await page.evaluate((code) => void window.vscode?.run(code), setup)
  })

  after(() => page?.close())

  it("is live while the job runs, in anywidget's own module as the extension loads it", async () => {
    const job = page.locator('.output .cellfan-Job[data-status="running"][data-liveness="live"]')
    await job.locator('.cellfan-Chip[data-state="running"]', { hasText: "2" }).waitFor({ timeout: 90_000 })
    await job.locator('.cellfan-Chip[data-state="done"]', { hasText: "39" }).waitFor()
    const asked = await page.evaluate(() => window.vscode?.asked)
    expect([...new Set(asked)]).to.deep.equal(["anywidget@~0.9.*"])
    const box = await job.locator(".cellfan-Grid-canvas").boundingBox()
    expect(box?.width).to.be.greaterThan(300)
  })

  it("opens a task with its error", async () => {
    await page.locator(".cellfan-Failure-tasks button").click()
    await page.locator(".cellfan-Error-head", { hasText: "RangeError: seven" }).waitFor()
  })

  it("cancels, and leaves a picture behind that needs no kernel", async () => {
    await page.locator(".cellfan-mod-cancel").click()
    const picture = page.locator('.output[data-type="image/png"] img')
    await picture.waitFor()
    expect((await picture.boundingBox())?.width).to.be.greaterThan(700)
    expect(await page.locator(".cellfan-Job").count()).to.equal(0)
  })

  it("threw nothing in the page", async () => {
    expect(thrown).to.deep.equal([])
    expect(await page.evaluate(() => window.vscode?.errors)).to.deep.equal([])
  })
})

/** The page at this address: VS Code's widget manager, RequireJS as the extension has it, and anywidget's module. */
async function serveVsCode(page: Page, address: string): Promise<void> {
  const { outputFiles } = await build({
    entryPoints: [join(root, "test/browser/support/vscode/page.ts")],
    bundle: true,
    format: "esm",
    platform: "browser",
    define: { "process.env": "{}", global: "globalThis" },
    write: false,
    logLevel: "error",
  })
  const requirejs = createRequire(import.meta.url).resolve("requirejs/require.js")
  const files: Readonly<Record<string, { readonly type: string; readonly body: string }>> = {
    "": {
      type: "text/html",
      body: '<!doctype html><body class="vscode-light"><script src="require.js"></script><script type="module" src="page.js"></script>',
    },
    "require.js": { type: "text/javascript", body: await readFile(requirejs, "utf8") },
    "page.js": { type: "text/javascript", body: outputFiles[0]?.text ?? "" },
    "anywidget.js": {
      type: "text/javascript",
      body: await readFile(join(venv, "share/jupyter/nbextensions/anywidget/index.js"), "utf8"),
    },
  }
  await page.route(`${address}/**`, (route) => {
    const file = files[new URL(route.request().url()).pathname.split("/").at(-1) ?? ""]
    return file === undefined ? route.abort() : route.fulfill({ contentType: file.type, body: file.body })
  })
}
