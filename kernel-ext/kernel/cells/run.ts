import type { Script } from "node:vm"
import { inCell } from "../current-cell.ts"
import type { Cell } from "../types.ts"

/** What running a cell's function came to. */
export type Outcome =
  | { readonly status: "returned"; readonly value: unknown }
  | { readonly status: "threw"; readonly thrown: unknown }
  | { readonly status: "interrupted" }

type CellFunction = (...args: readonly unknown[]) => unknown

const ENTER = Symbol.for("cellfan.enter")

/** Text to put around a cell's body so that evaluating it calls the body through `runBody`. */
export function wrapBody(parameters: readonly string[], isAsync: boolean): { before: string; after: string } {
  return {
    before: `"use strict"; globalThis[Symbol.for("cellfan.enter")](${isAsync ? "async " : ""}function (${parameters.join(", ")}) { `,
    after: "\n})",
  }
}

/**
 * The one place that runs users' code. The part before the first `await` ends at SIGINT; from then on the cell ends
 * when its signal is aborted, though a promise it waits for may go on.
 */
export async function runBody(compile: () => Script, args: readonly unknown[], cell: Cell): Promise<Outcome> {
  try {
    const returned = inCell(cell, () => evaluate(compile(), args))
    if (!(returned instanceof Promise)) return { status: "returned", value: returned }
    return await untilInterrupted(returned, cell.signal)
  } catch (thrown) {
    if ((thrown as { code?: unknown } | null)?.code === "ERR_SCRIPT_EXECUTION_INTERRUPTED")
      return { status: "interrupted" }
    return { status: "threw", thrown }
  }
}

/** Waits for `work` unless the user interrupts first. */
export async function untilInterrupted(work: Promise<unknown>, signal: AbortSignal): Promise<Outcome> {
  // What fails after the cell was given up is nobody's any more.
  work.catch(() => {})
  if (signal.aborted) return { status: "interrupted" }
  let stop = () => {}
  const interrupted = new Promise<Outcome>((resolve) => {
    stop = () => resolve({ status: "interrupted" })
    signal.addEventListener("abort", stop, { once: true })
  })
  try {
    const finished = work.then(
      (value): Outcome => ({ status: "returned", value }),
      (thrown): Outcome => ({ status: "threw", thrown }),
    )
    return await Promise.race([finished, interrupted])
  } finally {
    signal.removeEventListener("abort", stop)
  }
}

function evaluate(script: Script, args: readonly unknown[]): unknown {
  let returned: unknown
  const enter = (body: CellFunction) => {
    returned = body.apply(undefined, [...args])
  }
  Object.defineProperty(globalThis, ENTER, { value: enter, configurable: true, enumerable: false })
  try {
    script.runInThisContext({ breakOnSigint: true })
  } finally {
    Reflect.deleteProperty(globalThis, ENTER)
  }
  return returned
}
