import type { Recipe } from "../capture/per-worker.ts"
import type { Captured } from "../capture/types.ts"
import type { LocalhostOptions } from "../config/schema.ts"
import { CaptureError } from "../errors.ts"
import type { Executor } from "./executor.ts"

/** What an executor is for a task whose function refers to it: one on the task's own machine, with these options. */
export type NestedOptions = LocalhostOptions

/**
 * An executor that a function refers to becomes another one in the worker: with worker processes of its own, so that tasks
 * which wait for such a map never wait for each other. Each worker has one, whichever functions refer to it.
 */
export function recipeFor(options: NestedOptions): Recipe {
  const text = JSON.stringify(options)
  return {
    id: `executor ${text}`,
    get build() {
      // From text, because it is to run where only the library's name is known and none of its variables.
      return new Function(`return require("cellfan").nestedExecutor(${text})`) as () => Executor
    },
  }
}

/**
 * Workers elsewhere are small: they have no executors, and nothing else of cellfan's library.
 *
 * @throws CaptureError where the function would need it, before anything of it runs.
 */
export function refuseNested(fn: CallableFunction, { shipment }: Captured, backend: string): void {
  if (!shipment.imports.includes("cellfan")) return
  const name = fn.name || "fn"
  throw new CaptureError(
    `\`${name}\` refers to an executor, or imports something else from cellfan, which workers of ${backend} do not have: no task there can start a map. Start the second map here, where a job may be the first one's results: \`fexec.map(g, fexec.map(f, inputs).tasks)\`; or run \`${name}\` with a LocalhostExecutor, whose tasks may start maps of their own.`,
    { path: [name] },
  )
}
