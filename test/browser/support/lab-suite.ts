import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Browser, BrowserContext } from "playwright-core"
import { type JupyterOptions, type JupyterServer, startJupyter } from "../../support/jupyter.ts"
import { findChromium, need } from "../../support/needs.ts"
import { launchChromium } from "./lab-page.ts"
import { otherJupyterLab } from "./other-jupyterlab.ts"

/** One server and one browser for a file's scenarios, in a folder of their own. */
export interface LabSuite {
  readonly folder: string
  readonly server: JupyterServer
  readonly context: BrowserContext
}

interface SuiteOptions extends Pick<JupyterOptions, "module" | "without" | "env"> {
  /** A line of JupyterLab other than the clone's own: "4.2". */
  readonly jupyterlab?: string
}

/** Call within a `describe`; the suite is there from the first test on. */
export function labSuite(options: SuiteOptions = {}): () => LabSuite {
  let browser: Browser | undefined
  let suite: LabSuite | undefined

  before(async function () {
    const chromium = need(this, "Chromium (apt-get install chromium)", findChromium())
    const folder = await mkdtemp(join(tmpdir(), "cellfan-browser-"))
    const app = options.module === "notebook" ? "JupyterNotebookApp" : "LabApp"
    const server = await startJupyter({
      ...options,
      ...(options.jupyterlab === undefined ? {} : { python: await otherJupyterLab(options.jupyterlab) }),
      folder,
      args: [`--${app}.expose_app_in_browser=True`],
    })
    browser = await launchChromium(chromium)
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } })
    suite = { folder, server, context }
  })

  after(async () => {
    await browser?.close()
    await suite?.server.close()
    if (suite !== undefined) await rm(suite.folder, { recursive: true, force: true })
  })

  return () => {
    if (suite === undefined) throw new Error("The suite's server has not started")
    return suite
  }
}
