import { inspect } from "node:util"
import vm from "node:vm"
import { isMainThread } from "node:worker_threads"
import { currentCell } from "../../../kernel-ext/kernel/current-cell.ts"
import { startKernel } from "../../../kernel-ext/kernel/kernel.ts"
import { runHelper } from "../../../kernel-ext/kernel/thread/helper.ts"
import type {
  CellError,
  CellOutcome,
  Comms,
  DisplayBundle,
  Interpreter,
} from "../../../kernel-ext/kernel/types.ts"

/**
 * The kernel's whole server over the smallest interpreter there is: plain JavaScript, one global scope. What the protocol
 * does can be tested with it apart from what cells are.
 */

function load(comms: Comms): Promise<Interpreter> {
  comms.register("echo", (comm, data) => {
    comm.onMessage((message, buffers) => comm.send({ echo: message }, buffers))
    comm.send({ opened: data })
  })
  comms.register("failing", () => {
    throw new Error("not today")
  })
  const output = () => currentCell()?.output
  Object.assign(globalThis, {
    comms,
    cell: currentCell,
    display: (bundle: DisplayBundle) => output()?.displayData(bundle),
    update: (bundle: DisplayBundle & { displayId: string }) => output()?.updateDisplayData(bundle),
    clear: (wait: boolean) => output()?.clearOutput(wait),
    sleep: (ms: number) => new Promise((resolve) => setTimeout(resolve, ms)),
  })
  return Promise.resolve({
    bindings: { folder: process.cwd(), lookup: () => undefined, scripts: () => [] },
    warm() {},
    run,
    complete: (_code, offset) => ({
      matches: [{ text: "hello", type: "function", signature: "(): void" }],
      start: offset - 2,
      end: offset,
    }),
    inspect: (code, offset, detail) => {
      const name = /\w+$/.exec(code.slice(0, offset))?.[0]
      if (name === undefined || !(name in globalThis)) return undefined
      return { data: { "text/plain": `${name} (${detail})` } }
    },
    isComplete: (code) =>
      code.endsWith("{") ? { status: "incomplete", indent: "  " } : { status: parses(code) },
    explain,
    define: (name, value) => Object.assign(globalThis, { [name]: value }),
    close: async () => {},
  })
}

async function run(code: string): Promise<CellOutcome> {
  try {
    const isAsync = /\bawait\b/.test(code)
    const text = isAsync ? `(async () => { ${code}\n})()` : code
    const value: unknown = await vm.runInThisContext(text, { filename: "cell" })
    if (value === undefined) return { status: "ok" }
    return { status: "ok", bundle: { data: { "text/plain": inspect(value) } } }
  } catch (error) {
    return { status: "error", error: explain(error) }
  }
}

function explain(thrown: unknown): CellError {
  const [name, message] = thrown instanceof Error ? [thrown.name, thrown.message] : ["Error", String(thrown)]
  return { name, message, traceback: [`${name}: ${message}`] }
}

function parses(code: string): "complete" | "invalid" {
  try {
    new vm.Script(code)
    return "complete"
  } catch {
    return "invalid"
  }
}

if (isMainThread) await startKernel(new URL(import.meta.url), process.argv[2], load)
else await runHelper()
