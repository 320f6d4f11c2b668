import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { inspect } from "node:util"
import { setCellBindings } from "../../../kernel-ext/capture/capture.ts"
import { CaptureError, JobError, TaskError } from "../../../kernel-ext/errors.ts"
import type { Executor } from "../../../kernel-ext/executors/executor.ts"
import * as library from "../../../kernel-ext/index.ts"
import { createInterpreter } from "../../../kernel-ext/kernel/cells.ts"
import type { Cell, Interpreter } from "../../../kernel-ext/kernel/types.ts"

/**
 * A case is a folder with cell.ts, cells separated by lines `// %%`, and expected.txt. The cells leave a function
 * `task` and may leave an array `inputs`. A cell after `// %% after` runs in the notebook when the tasks have ended and
 * sees their `results`; what it shows is the outcome. Without one, the outcome is the results, or the error.
 */
export interface Case {
  readonly name: string
  readonly cells: readonly string[]
  readonly after: string | undefined
  readonly expected: string
  readonly expectedFile: string
}

export const casesFolder = join(import.meta.dirname, "../cases")

export function readCases(): Case[] {
  const folders = readdirSync(casesFolder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return folders.map(({ name }) => {
    const text = readFileSync(join(casesFolder, name, "cell.ts"), "utf8")
    const [before = "", after] = text.split(/^\/\/ %% after\n/m)
    const expectedFile = join(casesFolder, name, "expected.txt")
    return {
      name,
      cells: before.split(/^\/\/ %%\n/m),
      after,
      expectedFile,
      expected: readFileSync(expectedFile, "utf8"),
    }
  })
}

/** Where the notebook's folder is, or with nothing but node and what is sent there. */
export type Place = "in place" | "in an empty folder"

export type Executors = Readonly<Record<Place, Executor>>

/** The real interpreter, in the folder that the cases' imports resolve from. */
export function openCases(executors: Executors) {
  const interpreter = createInterpreter({
    folder: join(import.meta.dirname, "../notebook"),
    modules: { cellfan: library },
  })
  setCellBindings(interpreter.bindings)
  return {
    async run({ cells, after }: Case, place: Place): Promise<string> {
      let executionCount = 0
      const runCell = (code: string) => runOne(interpreter, code, ++executionCount)
      interpreter.define("inputs", [undefined], "any[]")
      for (const cell of cells) await runCell(cell)
      const task = holds(interpreter, "task") as (input: unknown) => unknown
      const inputs = holds(interpreter, "inputs") as unknown[]
      try {
        const results = await executors[place].map(task, inputs)
        if (after === undefined) return show(results)
        interpreter.define("results", results, "any[]")
        return await runCell(after)
      } catch (error) {
        return describe(error)
      }
    },
    async close() {
      setCellBindings(undefined)
      await interpreter.close()
    },
  }
}

async function runOne(interpreter: Interpreter, code: string, executionCount: number): Promise<string> {
  const ignore = () => {}
  const cell: Cell = {
    id: `cell-${executionCount}`,
    executionCount,
    silent: false,
    signal: new AbortController().signal,
    output: { stream: ignore, displayData: ignore, updateDisplayData: ignore, clearOutput: ignore },
  }
  const outcome = await interpreter.run(code, cell)
  if (outcome.status === "error") {
    throw new Error(`A cell of the case failed: ${outcome.error.traceback.join("\n")}\n${code}`)
  }
  return String(outcome.bundle?.data["text/plain"] ?? "")
}

function holds(interpreter: Interpreter, name: string): unknown {
  const binding = interpreter.bindings.lookup(name)
  if (binding?.kind !== "value") throw new Error(`The cells of the case do not leave a value ${name}`)
  return binding.value
}

function show(results: unknown): string {
  return inspect(results, { depth: 8, breakLength: 100, maxArrayLength: 20, sorted: false })
}

function describe(error: unknown): string {
  const first = error instanceof JobError ? error.errors[0] : error
  if (first instanceof CaptureError) return `${first.name}: ${first.message}`
  // The text of the first line is the executor's.
  if (first instanceof TaskError) {
    const { remoteName, remoteMessage } = first.details
    const frames = (first.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line))
    // A result is refused by the worker's own code, whose frames are nobody's cell.
    return [`${remoteName}: ${remoteMessage}`, ...(remoteName === "CaptureError" ? [] : frames)].join("\n")
  }
  throw first
}
