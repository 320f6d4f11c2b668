import { KernelManager, type KernelMessage, ServerConnection } from "@jupyterlab/services"
import { activate } from "@vscode/jupyter-ipywidgets8/dist/ipywidgets.js"

/**
 * The outputs of cells as VS Code's Jupyter extension shows them, in a page of its own: the same widget manager, from Microsoft's
 * package, at a kernel of its own, and of several types the one that the extension prefers. What is not VS Code's is this file, which
 * stands where the editor does.
 */

/** `orderOfMimeTypes` of microsoft/vscode-jupyter, less what has no renderer there. */
const preferred = [
  "application/vnd.jupyter.widget-view+json",
  "text/html",
  "text/markdown",
  "image/png",
  "image/svg+xml",
  "text/plain",
] as const

interface WidgetManager {
  has_model(id: string): boolean
  get_model(id: string): Promise<object>
  create_view(model: object, options: { el: HTMLElement }): Promise<object>
  display_view(data: object, view: object, options: { node: HTMLElement }): Promise<{ dispose(): void }>
}

interface ScriptLoader {
  readonly widgetsRegisteredInRequireJs: Set<string>
  loadWidgetScript(module: string, version: string): Promise<void>
  successHandler(): void
  errorHandler(name: string, module: string, version: string, error: unknown): void
}

interface VsCodeWindow {
  readonly vscIPyWidgets8: { load(): void }
  readonly vscIPyWidgets: {
    readonly WidgetManager: new (
      kernel: object,
      container: HTMLElement,
      loader: ScriptLoader,
      log: (words: string) => void,
    ) => WidgetManager
  }
  readonly requirejs: { config(options: { paths: Readonly<Record<string, string>> }): void }
}

/** What a test sees of the page. */
export interface VsCodePage {
  /** Runs code as a cell; resolves with the status of its reply. */
  run(code: string): Promise<string>
  /** Modules that the widget manager had to fetch: "anywidget@~0.9.*". */
  readonly asked: readonly string[]
  readonly errors: readonly string[]
}

declare global {
  interface Window {
    vscode?: VsCodePage
  }
}

const vscode = window as unknown as VsCodeWindow

/** By output: the widget in it. */
const shown = new Map<HTMLElement, { dispose(): void }>()
const asked: string[] = []
const errors: string[] = []

async function start(): Promise<(code: string) => Promise<string>> {
  const address = new URL(document.location.href)
  const token = address.searchParams.get("token") ?? ""
  const baseUrl = new URL("..", address).href.replace(/\?.*/, "")
  const serverSettings = ServerConnection.makeSettings({
    baseUrl,
    wsUrl: baseUrl.replace(/^http/, "ws"),
    token,
    appendToken: true,
  })
  const kernel = await new KernelManager({ serverSettings }).startNew({ name: "cellfan" })
  activate()
  vscode.vscIPyWidgets8.load()
  const loader: ScriptLoader = {
    widgetsRegisteredInRequireJs: new Set(),
    loadWidgetScript: async (module, version) => {
      asked.push(`${module}@${version}`)
      vscode.requirejs.config({ paths: { [module]: `${address.pathname}${module}` } })
    },
    successHandler: () => {},
    errorHandler: (name, module, version, error) => errors.push(`${module}@${version} ${name}: ${error}`),
  }
  const widgets = new vscode.vscIPyWidgets.WidgetManager(kernel, document.body, loader, () => {})
  const outputs = new Map<string, HTMLElement>()
  kernel.iopubMessage.connect((_, message) => {
    const { msg_type: type } = message.header
    if (type !== "display_data" && type !== "update_display_data") return
    const { data, transient } = message.content as KernelMessage.IDisplayDataMsg["content"]
    const id = String(transient?.display_id ?? message.header.msg_id)
    const node = outputs.get(id) ?? document.body.appendChild(document.createElement("div"))
    node.className = "output"
    outputs.set(id, node)
    show(widgets, node, data).catch((error) => errors.push(String(error)))
  })
  return async (code) => (await kernel.requestExecute({ code }).done).content.status
}

async function show(
  widgets: WidgetManager,
  node: HTMLElement,
  data: Readonly<Record<string, unknown>>,
): Promise<void> {
  const type = preferred.find((one) => one in data)
  shown.get(node)?.dispose()
  shown.delete(node)
  node.replaceChildren()
  node.dataset.type = type
  switch (type) {
    case "application/vnd.jupyter.widget-view+json": {
      const { model_id: id } = data[type] as { model_id: string }
      for (let tries = 0; tries < 500 && !widgets.has_model(id); tries++)
        await new Promise((resolve) => setTimeout(resolve, 10))
      const view = await widgets.create_view(await widgets.get_model(id), { el: node })
      shown.set(node, await widgets.display_view(data[type] as object, view, { node }))
      break
    }
    case "image/png": {
      const image = node.appendChild(document.createElement("img"))
      image.src = `data:image/png;base64,${data[type]}`
      break
    }
    case "image/svg+xml":
    case "text/html":
      node.innerHTML = String(data[type])
      break
    default:
      node.textContent = String(data["text/plain"])
  }
}

window.vscode = { asked, errors, run: await start() }
