import type { HelperThread } from "./thread/client.ts"
import type { CellOutput, DisplayBundle } from "./types.ts"
import type { Header } from "./wire.ts"

/** Puts what is said about a request on iopub, as JSON. */
export class Publisher {
  readonly #helper: HelperThread
  /** The request whose cell runs. */
  #running: Header | undefined

  constructor(helper: HelperThread) {
    this.#helper = helper
  }

  publish(
    parent: Header | undefined,
    type: string,
    content: object,
    extra: { readonly metadata?: object; readonly buffers?: readonly Uint8Array[] } = {},
  ): void {
    this.#helper.publish({
      type,
      parent,
      content: JSON.stringify(content),
      ...(extra.metadata === undefined ? {} : { metadata: JSON.stringify(extra.metadata) }),
      ...(extra.buffers === undefined ? {} : { buffers: extra.buffers }),
    })
  }

  /** A cell begins, and with it what child processes write. */
  began(parent: Header): void {
    this.#running = parent
    this.#helper.began(parent)
  }

  ended(): void {
    this.#running = undefined
    this.#helper.ended()
  }

  status(parent: Header, state: "busy" | "idle"): void {
    this.publish(parent, "status", { execution_state: state })
  }

  stream(parent: Header | undefined, name: "stdout" | "stderr", text: string): void {
    if (text !== "") this.#helper.stream(name, parent, text)
  }

  /** The output of the request with this header, now and after it has ended. */
  outputOf(parent: Header): CellOutput {
    const display = (type: string, bundle: DisplayBundle, of = parent) => {
      const { displayId } = bundle
      const transient = displayId === undefined ? {} : { display_id: displayId }
      try {
        this.publish(of, type, { ...bundleContent(bundle), transient })
      } catch (error) {
        this.stream(of, "stderr", `Nothing can be displayed that is not JSON: ${String(error)}\n`)
      }
    }
    return {
      stream: (name, text) => this.stream(parent, name, text),
      displayData: (bundle) => display("display_data", bundle),
      // It names its display, wherever that is; and who runs a notebook without a front end hears only of the cell that runs.
      updateDisplayData: (bundle) => display("update_display_data", bundle, this.#running),
      clearOutput: (wait) => this.publish(parent, "clear_output", { wait }),
    }
  }
}

/** `data` and `metadata` as messages carry them: bytes (an image, say) as base64. */
export function bundleContent(bundle: DisplayBundle): { data: object; metadata: object } {
  const data: Record<string, unknown> = {}
  for (const [type, value] of Object.entries(bundle.data)) {
    data[type] = value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value
  }
  return { data, metadata: bundle.metadata ?? {} }
}
