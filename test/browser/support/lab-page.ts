import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core"

/** JupyterLab in headless Chromium, driven by its own commands rather than by keys. */

/** What JupyterLab shows of itself with --LabApp.expose_app_in_browser. */
export interface LabWindow {
  readonly jupyterapp: {
    readonly version: string
    readonly serviceManager: { readonly settings: { save(id: string, raw: string): Promise<void> } }
    readonly commands: {
      execute(id: string, args?: object): Promise<unknown>
      listCommands(): string[]
      label(id: string): string
      caption(id: string): string
      describedBy(id: string): Promise<{ readonly args: unknown }>
      isEnabled(id: string): boolean
    }
    readonly shell: {
      readonly currentWidget: {
        readonly content: {
          activeCellIndex: number
          readonly mode: "command" | "edit"
          readonly activeCell: {
            readonly editor: {
              getCursorPosition(): { readonly line: number; readonly column: number }
            } | null
          } | null
          readonly widgets: readonly {
            readonly model: { readonly trusted: boolean; readonly sharedModel: { getSource(): string } }
          }[]
        }
        readonly context: { readonly model: { readonly dirty: boolean }; save(): Promise<void> }
        readonly sessionContext: {
          readonly path: string
          shutdown(): Promise<void>
          restartKernel(): Promise<void>
          readonly session: {
            readonly kernel: {
              readonly status: string
              readonly connectionStatus: string
              readonly handleComms: boolean
            }
          }
        }
      }
    }
  }
}

declare global {
  interface Window extends LabWindow {}
}

/** JupyterLab's own complaints: of a busy kernel without a debugger, of a notebook closed while its cells come; Notebook 7's of settings it has not loaded yet. */
const notOurs = /No active debugger session|_updateForDeferMode|reading 'schema'\)\s+at \S+notebook_core/

export interface JobOnPage {
  readonly id: string
  /** "running", "done", "failed", "cancelled", "stopped". */
  readonly status: string
  readonly liveness: string
  /** What a screen reader is told. */
  readonly said: string
  readonly counts: Readonly<Record<string, number>>
}

export async function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  })
}

export interface OpenIn {
  readonly context: BrowserContext
  readonly server: { readonly url: string; readonly token: string }
}

/** One notebook in one tab. */
export class LabPage {
  readonly page: Page
  /** What the page threw; a test that ends with something here has failed. */
  readonly errors: string[] = []

  private constructor(page: Page) {
    this.page = page
    // The machine may have much else to do.
    page.setDefaultTimeout(90_000)
    page.on("pageerror", (error) => {
      const words = error.stack ?? String(error)
      if (!notOurs.test(words)) this.errors.push(words)
    })
    page.on("dialog", (dialog) => void dialog.accept())
  }

  /** `notebook` is relative to the server's folder; `app` is where it is opened: JupyterLab, or Notebook 7. */
  static async open(suite: OpenIn, notebook: string, app: "lab" | "notebook" = "lab"): Promise<LabPage> {
    const { context, server } = suite
    // A workspace of its own, so that no other test's tabs come back.
    const workspace = `w${Math.random().toString(36).slice(2)}`
    const path = app === "lab" ? `lab/workspaces/${workspace}/tree/${notebook}` : `notebooks/${notebook}`
    const address = `${server.url}${path}?token=${server.token}`
    const opened = new LabPage(await context.newPage())
    // What tsx leaves in functions that are sent to the page.
    await opened.page.addInitScript("globalThis.__name = (value) => value")
    await opened.page.goto(address)
    await opened.ready()
    return opened
  }

  /** Waits for the notebook's kernel, idle or busy. */
  async ready(): Promise<void> {
    await this.page.waitForSelector(".jp-Notebook-cell", { timeout: 90_000 })
    await this.page.waitForFunction(
      () => {
        const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext.session?.kernel
        return kernel?.connectionStatus === "connected" && ["idle", "busy"].includes(kernel.status)
      },
      undefined,
      { timeout: 90_000 },
    )
  }

  /** Runs a cell; resolves when it has been sent, not when it has ended. */
  async run(cell: number): Promise<void> {
    await this.page.evaluate((index) => {
      const app = window.jupyterapp
      app.shell.currentWidget.content.activeCellIndex = index
      void app.commands.execute("notebook:run-cell")
    }, cell)
  }

  async runAll(): Promise<void> {
    await this.page.evaluate(() => void window.jupyterapp.commands.execute("notebook:run-all-cells"))
  }

  async command(name: string, args: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.page.evaluate(
      async ([id, options]) => {
        await window.jupyterapp.commands.execute(id, options)
      },
      [name, args] as const,
    )
  }

  async save(): Promise<void> {
    await this.page.evaluate(() => window.jupyterapp.shell.currentWidget.context.save())
  }

  async reload(): Promise<void> {
    await this.page.reload()
    await this.ready()
  }

  /** Waits for the kernel to have ended all cells. */
  async idle(): Promise<void> {
    await this.page.waitForFunction(
      () => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === "idle",
    )
  }

  async theme(name: "JupyterLab Light" | "JupyterLab Dark"): Promise<void> {
    await this.command("apputils:change-theme", { theme: name })
    await this.page.waitForFunction(
      (light) => document.body.dataset.jpThemeLight === String(light),
      name === "JupyterLab Light",
    )
    await this.page.waitForTimeout(800)
  }

  /** Writes a plugin's settings; the page takes them when it is loaded again. */
  async setting(plugin: string, values: object): Promise<void> {
    await this.page.evaluate(([id, raw]) => window.jupyterapp.serviceManager.settings.save(id, raw), [
      plugin,
      JSON.stringify(values),
    ] as const)
  }

  /** Every job's view in the notebook, from top to bottom. */
  jobs(): Promise<JobOnPage[]> {
    return this.page.evaluate(() =>
      [...document.querySelectorAll<HTMLElement>(".jp-OutputArea-output .cellfan-Job")].map((node) => ({
        id: node.dataset.job ?? "",
        status: node.dataset.status ?? "",
        liveness: node.dataset.liveness ?? "",
        said: node.querySelector("[role=status]")?.textContent ?? "",
        counts: Object.fromEntries(
          [...node.querySelectorAll<HTMLElement>(".cellfan-Chip:not([hidden])")].map((chip) => [
            chip.dataset.state,
            Number(chip.querySelector(".cellfan-Chip-count")?.textContent?.replaceAll(",", "")),
          ]),
        ),
      })),
    )
  }

  /** The first job that `wanted` takes; fails with what was there instead. */
  async job(wanted: (job: JobOnPage) => boolean, timeoutMs = 45_000): Promise<JobOnPage> {
    const giveUpMs = Date.now() + timeoutMs
    let seen: JobOnPage[] = []
    while (Date.now() < giveUpMs) {
      seen = await this.jobs()
      const found = seen.find(wanted)
      if (found !== undefined) return found
      await this.page.waitForTimeout(50)
    }
    const picture = process.env.CELLFAN_TEST_PICTURE
    if (picture !== undefined) await this.page.screenshot({ path: picture })
    const outputs = await this.page.locator(".jp-OutputArea-output").allTextContents()
    throw new Error(
      `No such job on the page within ${timeoutMs} ms, only ${JSON.stringify(seen)}; outputs: ${outputs.join("\n")}`,
    )
  }

  async select(cell: number): Promise<void> {
    await this.page.evaluate((index) => {
      window.jupyterapp.shell.currentWidget.content.activeCellIndex = index
    }, cell)
  }

  /** Restarts the kernel without asking. */
  async restart(): Promise<void> {
    await this.page.evaluate(() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel())
  }

  /** What JavaScript holds after a garbage collection, typed arrays included. */
  async heapBytes(): Promise<number> {
    const session = await this.page.context().newCDPSession(this.page)
    await session.send("HeapProfiler.enable")
    await session.send("HeapProfiler.collectGarbage")
    const { usedSize, backingStorageSize } = (await session.send("Runtime.getHeapUsage")) as {
      usedSize: number
      backingStorageSize?: number
    }
    await session.detach()
    return usedSize + (backingStorageSize ?? 0)
  }

  async close(): Promise<void> {
    await this.page.close()
  }

  /** Where on the page a task's square is, in the nth grid; scrolls there. */
  async squareOf(nth: number, task: number): Promise<{ x: number; y: number }> {
    const grid = this.page.locator(".cellfan-Grid").nth(nth)
    await grid.scrollIntoViewIfNeeded()
    const box = await grid.boundingBox()
    if (box === null) throw new Error(`Grid ${nth} is not on the page`)
    const pitch = 18
    const columns = Math.floor(box.width / pitch)
    return {
      x: box.x + ((task % columns) + 0.5) * pitch,
      y: box.y + (Math.floor(task / columns) + 0.5) * pitch,
    }
  }

  /** A colour of the theme's, as numbers. */
  color(variable: string): Promise<readonly [number, number, number]> {
    return this.page.evaluate((name) => {
      const context = document.createElement("canvas").getContext("2d")
      if (context === null) throw new Error("No canvas")
      context.fillStyle = getComputedStyle(document.body).getPropertyValue(name).trim()
      context.fillRect(0, 0, 1, 1)
      const [red = 0, green = 0, blue = 0] = context.getImageData(0, 0, 1, 1).data
      return [red, green, blue] as const
    }, variable)
  }

  /** Waits until as many pixels of the nth grid as `fits` says have about this colour: what is known is painted a moment later. */
  async painted(
    nth: number,
    color: readonly [number, number, number],
    fits: (pixels: number) => boolean,
    limitMs = 15_000,
  ): Promise<void> {
    let found = await this.pixels(nth, color)
    for (const end = Date.now() + limitMs; !fits(found); found = await this.pixels(nth, color)) {
      if (Date.now() > end) throw new Error(`The grid still has ${found} pixels of rgb(${color.join(", ")})`)
      await this.page.waitForTimeout(50)
    }
  }

  /** How many pixels of the nth grid have about this colour. */
  pixels(nth: number, color: readonly [number, number, number]): Promise<number> {
    return this.page.evaluate(
      ([at, wanted]) => {
        const canvas = document.querySelectorAll<HTMLCanvasElement>(".cellfan-Grid-canvas")[at]
        const data = canvas?.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height).data
        let count = 0
        for (let i = 0; data !== undefined && i < data.length; i += 4) {
          const near = [0, 1, 2].every((part) => Math.abs((data[i + part] ?? 0) - (wanted[part] ?? 0)) < 12)
          if (near && (data[i + 3] ?? 0) > 200) count++
        }
        return count
      },
      [nth, color] as const,
    )
  }
}
