import type { Recipe } from "../capture/per-worker.ts"
import type { LocalhostOptions } from "../config/schema.ts"
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
