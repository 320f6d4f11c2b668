import { mkdtempSync, realpathSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as cellfan from "../../kernel-ext/index.ts"
import { createInterpreter, type InterpreterOptions } from "../../kernel-ext/kernel/cells.ts"
import { withMagics } from "../../kernel-ext/kernel/magics/magics.ts"
import type { Cell, CellOutcome, DisplayBundle, Interpreter } from "../../kernel-ext/kernel/types.ts"
import { plain } from "../support/plain.ts"

/** A notebook in a folder of its own, run as the kernel runs it, with what its cells put out. */
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
  /** What is offered at `|`. */
  complete(code: string): string[]
  /** What is told of `|`. */
  inspect(code: string): string | undefined
  close(): Promise<void>
}

export interface NotebookOptions extends Partial<InterpreterOptions> {
  /** Whether cells may have magics. Default: false. */
  readonly magics?: boolean
}

export function openNotebook({ magics, ...options }: NotebookOptions = {}): Notebook {
  const folder = options.folder ?? realpathSync(mkdtempSync(join(tmpdir(), "cellfan-notebook-")))
  const interpreter = magics
    ? withMagics(createInterpreter({ folder, modules: { cellfan }, ...options }))
    : createInterpreter({ folder, ...options })
  const displayed: DisplayBundle[] = []
  const streamed: string[] = []
  let executionCount = 0
  const run = (code: string, signal = new AbortController().signal) => {
    executionCount++
    const output: Cell["output"] = {
      stream: (_name, text) => streamed.push(text),
      displayData: (bundle) => displayed.push(bundle),
      updateDisplayData: (bundle) => displayed.push(bundle),
      clearOutput: () => {},
    }
    const id = `cell-${executionCount}`
    return interpreter.run(code, { id, executionCount, silent: false, signal, output })
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
    complete(code) {
      const offset = code.indexOf("|")
      const { matches, start, end } = interpreter.complete(code.replace("|", ""), offset)
      if (end !== offset || start > offset) throw new Error(`Completes ${start}–${end} at ${offset}`)
      return matches.map((match) => match.text)
    },
    inspect(code) {
      const bundle = interpreter.inspect(code.replace("|", ""), code.indexOf("|"), 0)
      return bundle?.data["text/plain"] as string | undefined
    },
    async close() {
      await interpreter.close()
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true })
    },
  }
}
