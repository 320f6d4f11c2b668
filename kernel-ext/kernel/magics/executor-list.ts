import { type ExecutorView, openExecutors } from "../../executors/observe.ts"
import { readNothing } from "./arguments.ts"
import type { ExecutorRuntime } from "./executor-runtime.ts"
import type { JobRuntime } from "./jobs.ts"
import { type LineCall, type Magic, type Notebook, runtimeName } from "./magic.ts"
import { write } from "./output.ts"

/** %executors and %clean: all executors of the kernel, made by magics or by code. */

export const executorListMagics: readonly Magic[] = [
  {
    name: "executors",
    summary: "Gives the executors of this kernel that are not closed, oldest first.",
    details: [
      "`variable` names the notebook's variables that hold it, or the magic whose cells it is for.",
      "`const all = %executors` gives them as a list of objects.",
    ].join("\n"),
    line: {
      translate({ args }: LineCall) {
        readNothing(args, "%executors")
        return [`${runtimeName}.executors()`]
      },
    },
  },
  {
    name: "clean",
    summary: "Removes what this kernel's executors and jobs have left behind, and says what that was.",
    details: [
      "Executors remove the temporary data of earlier runs; those that cells made for themselves close, and with them their workers.",
      "%jobs forgets the jobs that have settled, and with them their results. Variables keep what they hold.",
    ].join("\n"),
    line: {
      translate({ args, canAwait }: LineCall) {
        readNothing(args, "%clean")
        return [`${canAwait ? "await " : ""}${runtimeName}.clean()`]
      },
    },
  },
]

export const executorListDeclarations = `
  executors(): { variable: string; executor: string; backend: string; workers: number; idle: number; current: boolean }[]
  clean(): Promise<void>`

export function createExecutorList(executors: ExecutorRuntime, jobs: JobRuntime, notebook: Notebook) {
  const namesOf = (handle: object): string =>
    notebook
      .variables()
      .filter((name) => notebook.valueOf(name) === handle)
      .join(", ")
  const holderOf = ({ handle }: ExecutorView): string => {
    const magic = executors.cellMagicOf(handle)
    return magic === undefined ? namesOf(handle) : `%%${magic}`
  }
  return {
    executors() {
      return openExecutors().map((view) => {
        const { kind, backend, workers, idle, handle } = view
        const variable = holderOf(view)
        return { variable, executor: kind, backend, workers, idle, current: executors.isCurrent(handle) }
      })
    },
    async clean(): Promise<void> {
      const open = openExecutors()
      const cleaned = await Promise.allSettled(open.map((view) => view.clean()))
      const failed = cleaned.filter((one) => one.status === "rejected")
      const closed = await executors.closeForCells()
      const forgotten = jobs.forgetSettled()
      write(
        [
          `Temporary data of ${count(open.length - failed.length, "executor")} removed.`,
          `Closed ${count(closed, "executor")} of cells.`,
          `Forgot ${count(forgotten, "settled job")}.`,
          "",
        ].join("\n"),
      )
      if (failed.length > 0)
        throw new AggregateError(
          failed.map(({ reason }) => reason),
          `${count(failed.length, "executor")} could not remove what earlier runs left behind.`,
        )
    },
  }
}

function count(amount: number, what: string): string {
  return `${amount} ${what}${amount === 1 ? "" : "s"}`
}
