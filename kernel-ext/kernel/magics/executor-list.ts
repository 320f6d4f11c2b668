import type { CleanScope } from "../../backends/backend.ts"
import { UsageError } from "../../errors.ts"
import { cleanConfiguredStorage } from "../../executors/clean.ts"
import { type ExecutorView, openExecutors } from "../../executors/observe.ts"
import { type Cleaned, sumCleaned, tellCleaned } from "../../storage/temporary.ts"
import { readNothing, readWord } from "./arguments.ts"
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
      "Executors end their workers, delete the functions that they run in, and end the machines of their pool; those that cells made for themselves close.",
      "With `all`, all machines that cellfan has made there end, whoever uses them.",
      "In storage, what this kernel's jobs have there is deleted, and what is past its time; with `all`, other kernels' as well,",
      "but for jobs that run.",
      "%jobs forgets the jobs that have settled, and with them their results. Variables keep what they hold.",
    ].join("\n"),
    line: {
      words: "[all]",
      translate({ args, canAwait }: LineCall) {
        const word = readWord(args, "%clean", "`all` or nothing")
        if (word !== undefined && word !== "all")
          throw new UsageError(`%clean takes \`all\` or nothing, but got ${word}.`)
        return [`${canAwait ? "await " : ""}${runtimeName}.clean(${word === undefined ? "" : '"all"'})`]
      },
    },
  },
]

export const executorListDeclarations = `
  executors(): { variable: string; executor: string; backend: string; workers: number; idle: number; current: boolean }[]
  clean(scope?: "all"): Promise<void>`

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
    async clean(scope: "own" | "all" = "own"): Promise<void> {
      const open = openExecutors()
      const tried: PromiseSettledResult<Cleaned>[] = []
      const all: CleanScope[] = scope === "all" ? ["all"] : []
      // One after the other: what several of them hold together is given back, and told, once. Jobs that live after this kernel's are others'.
      for (const each of ["own" as const, ...all])
        for (const view of open) tried.push(...(await Promise.allSettled([view.clean(each)])))
      tried.push(...(await Promise.allSettled([cleanConfiguredStorage(scope)])))
      const failed = tried.filter((one) => one.status === "rejected")
      const cleaned = tried.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []))
      const closed = await executors.closeForCells()
      const forgotten = jobs.forgetSettled()
      write(
        [
          `Cleaned up ${count(open.length, "executor")}; deleted ${tellCleaned(sumCleaned(cleaned))}.`,
          `Closed ${count(closed, "executor")} of cells.`,
          `Forgot ${count(forgotten, "settled job")}.`,
          "",
        ].join("\n"),
      )
      if (failed.length > 0)
        throw new AggregateError(
          failed.map(({ reason }) => reason),
          `Not everything could be removed: ${failed.map(({ reason }) => (reason as Error).message).join(" ")}`,
        )
    },
  }
}

function count(amount: number, what: string): string {
  return `${amount} ${what}${amount === 1 ? "" : "s"}`
}
