import type { Script } from "node:vm"
import { inCell } from "../current-cell.ts"
import { later } from "../later.ts"
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
 * Calls a cell's function. An interrupt ends JavaScript at any point and everything that is on the stack with it; so the
 * user's code begins as an event of its own, and who waits here hears of the interrupt by the cell's signal.
 */
export function runBody(compile: () => Script, args: readonly unknown[], cell: Cell): Promise<Outcome> {
  return runUsers(() => evaluate(compile(), args), cell)
}

/** Calls `body`, which may call code of the user, on a stack of its own. */
export function runUsers(body: () => unknown, cell: Cell): Promise<Outcome> {
  const called = new Promise<unknown>((resolve, reject) => {
    later(() => {
      if (cell.signal.aborted) return
      try {
        resolve(inCell(cell, body))
      } catch (thrown) {
        reject(thrown)
      }
    })
  })
  return untilInterrupted(called, cell.signal)
}

/** Waits for `work` unless the user interrupts first. */
async function untilInterrupted(work: Promise<unknown>, signal: AbortSignal): Promise<Outcome> {
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
    script.runInThisContext()
  } finally {
    Reflect.deleteProperty(globalThis, ENTER)
  }
  return returned
}
