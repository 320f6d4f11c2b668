import { UsageError } from "../../errors.ts"
import type { Cell, CellOutcome, Interpreter, Magics, MagicTransform } from "../types.ts"
import { allMagics } from "./all.ts"
import { completeMagic } from "./complete.ts"
import { findCellMagic } from "./find.ts"
import { isKnownElsewhere } from "./hints.ts"
import { inspectMagic } from "./inspect.ts"
import { type Notebook, runtimeName } from "./magic.ts"
import { createRuntime, runtimeType } from "./runtime.ts"
import { transformCell, transformUnfinishedCell } from "./transform.ts"

/**
 * Magics: lines that begin with `%` and cells that begin with `%%`.
 *
 *     magic.ts       what a magic is: its names, flags, and how it becomes TypeScript
 *     find.ts        which lines are magics, by classify.ts, which tells them from TypeScript; syntax.ts asks its parser
 *     transform.ts   a cell with magics as TypeScript; edits.ts keeps the way between both texts; body.ts the cell's body
 *     arguments.ts   what stands behind a magic's name
 *     all.ts         all families:
 *     executors.ts   %LocalhostExecutor, %%LocalhostExecutor, …; executor-runtime.ts what they do
 *     executor-list.ts  %executors, %clean
 *     jobs.ts        %jobs, %cancel, %retry
 *     time.ts        %time, %%time
 *     session.ts     %env, %cd, %pwd
 *     help.ts        %lsmagic, %NAME?
 *     hints.ts       what to do instead of a magic that only IPython has
 *     complete.ts    names, flags and values, while they are typed; inspect.ts their documentation
 *     runtime.ts     what translated magics call; output.ts its way to the cell
 *     magics.ts      all of it before an interpreter
 */
export function createMagics(interpreter: Interpreter): Magics & { close(): Promise<void> } {
  const notebook = createNotebook(interpreter)
  const runtime = createRuntime(interpreter, notebook)
  let isDefined = false
  // With the first magic, because to define a name takes the compiler, which a kernel's start should not wait for.
  const defined = (transform: MagicTransform): MagicTransform => {
    if (!isDefined && transform.code.includes(runtimeName)) {
      interpreter.define(runtimeName, runtime.methods, runtimeType)
      isDefined = true
    }
    return transform
  }
  return {
    transform: (code) => defined(transformCell(code, notebook)),
    transformUnfinished: (code) => defined(transformUnfinishedCell(code, notebook)),
    complete: (code, offset) =>
      completeMagic(code, offset, { notebook, interpreter, jobIds: runtime.jobIds }),
    inspect: (code, offset) => inspectMagic(code, offset, { notebook, interpreter }),
    close: () => runtime.close(),
  }
}

function createNotebook(interpreter: Interpreter): Notebook {
  return {
    magics: allMagics,
    isMagic: (name) => allMagics.has(name) || isKnownElsewhere(name),
    isExecutor: (name) => name.endsWith("Executor") && allMagics.has(name),
    isBound: (name) => interpreter.bindings.lookup(name) !== undefined || name in globalThis,
    isOperand(name) {
      const binding = interpreter.bindings.lookup(name)
      if (binding?.kind === "value") return ["number", "bigint"].includes(typeof binding.value)
      return binding !== undefined
    },
    valueOf(name) {
      const binding = interpreter.bindings.lookup(name)
      return binding?.kind === "value" ? binding.value : undefined
    },
    variables() {
      const names = interpreter.complete("", 0).matches.map((match) => match.text)
      return names.filter((name) => interpreter.bindings.lookup(name) !== undefined && name !== runtimeName)
    },
  }
}

/** The interpreter with magics before it: what it takes are cells as typed, and so are the offsets. */
export function withMagics(interpreter: Interpreter): Interpreter {
  const magics = createMagics(interpreter)
  return {
    bindings: interpreter.bindings,
    warm: () => interpreter.warm(),
    explain: (thrown) => interpreter.explain(thrown),
    define: (name, value, type) => interpreter.define(name, value, type),
    run: (code, cell) => runWithMagics(interpreter, magics, code, cell),
    complete(code, offset) {
      const own = magics.complete(code, offset)
      if (own !== undefined) return own
      const origin = magics.transformUnfinished(code)
      const { start, end, matches } = interpreter.complete(origin.code, origin.toCode(offset))
      const visible = matches.filter((match) => match.text !== runtimeName)
      return { matches: visible, start: origin.toTyped(start), end: origin.toTyped(end) }
    },
    inspect(code, offset, detail) {
      const own = magics.inspect(code, offset)
      if (own !== undefined) return own
      const origin = magics.transformUnfinished(code)
      return interpreter.inspect(origin.code, origin.toCode(offset), detail)
    },
    isComplete(code) {
      const cell = findCellMagic(code)
      // A console cannot know whether more of the body comes: a blank line says that it is done, as in IPython.
      if (cell !== undefined && !cell.help && !/\n[ \t]*$/.test(code))
        return { status: "incomplete", indent: "" }
      return interpreter.isComplete(magics.transformUnfinished(code).code)
    },
    async close() {
      await magics.close()
      await interpreter.close()
    },
  }
}

async function runWithMagics(
  interpreter: Interpreter,
  magics: Magics,
  code: string,
  cell: Cell,
): Promise<CellOutcome> {
  let origin: MagicTransform
  try {
    origin = magics.transform(code)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    return { status: "error", error: interpreter.explain(error) }
  }
  if (origin.code === code) return interpreter.run(code, cell)
  return interpreter.run(origin.code, cell, { text: code, toTyped: origin.toTyped })
}
