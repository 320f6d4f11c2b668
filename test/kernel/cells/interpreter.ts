import { mkdtempSync, realpathSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterpreter, type InterpreterOptions } from "../../../kernel-ext/kernel/cells.ts"
import type { Cell, CellOutcome, DisplayBundle, Interpreter } from "../../../kernel-ext/kernel/types.ts"

/** An interpreter in a folder of its own, with what its cells put out. */
export interface Notebook {
  readonly folder: string
  readonly interpreter: Interpreter
  readonly displayed: DisplayBundle[]
  readonly streamed: string[]
  run(code: string, signal?: AbortSignal): Promise<CellOutcome>
  /** The cell's result as text; throws where the cell failed. */
  text(code: string): Promise<string | undefined>
  /** The whole error of a cell that must fail, without colours. */
  failure(code: string): Promise<{ name: string; message: string; traceback: string }>
  close(): Promise<void>
}

export function openNotebook(options: Partial<InterpreterOptions> = {}): Notebook {
  const folder = options.folder ?? realpathSync(mkdtempSync(join(tmpdir(), "cellfan-cells-")))
  const interpreter = createInterpreter({ folder, ...options })
  const displayed: DisplayBundle[] = []
  const streamed: string[] = []
  let executionCount = 0
  const run = (code: string, signal = new AbortController().signal) => {
    executionCount++
    const cell: Cell = {
      id: `cell-${executionCount}`,
      executionCount,
      silent: false,
      signal,
      output: {
        stream: (_name, text) => streamed.push(text),
        displayData: (bundle) => displayed.push(bundle),
        updateDisplayData: (bundle) => displayed.push(bundle),
        clearOutput: () => {},
      },
    }
    return interpreter.run(code, cell)
  }
  return {
    folder,
    interpreter,
    displayed,
    streamed,
    run,
    async text(code) {
      const outcome = await run(code)
      if (outcome.status === "error") throw new Error(plain(outcome.error.traceback.join("\n")))
      return outcome.bundle?.data["text/plain"] as string | undefined
    },
    async failure(code) {
      const outcome = await run(code)
      if (outcome.status !== "error") throw new Error(`The cell did not fail: ${code}`)
      const { name, message, traceback } = outcome.error
      return { name, message, traceback: plain(traceback.join("\n")) }
    },
    async close() {
      await interpreter.close()
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}

export function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: ANSI colours begin with one
  return text.replace(/\u001b\[[0-9;]*m/g, "")
}
