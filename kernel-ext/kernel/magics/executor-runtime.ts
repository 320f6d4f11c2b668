import type { JobOptions } from "../../config/schema.ts"
import type { Executor } from "../../executors/executor.ts"
import { FunctionExecutor } from "../../executors/function-executor.ts"
import type { Inputs } from "../../executors/inputs.ts"
import { LocalhostExecutor } from "../../executors/localhost.ts"
import type { TaskContext } from "../../protocol/context.ts"
import { currentCell } from "../current-cell.ts"
import { readNothing } from "./arguments.ts"
import { type LineCall, type Magic, runtimeName } from "./magic.ts"
import { write } from "./output.ts"

/** The executors that magics made, which of them is current, and running a cell on one. Also %executors and %clean. */

export const executorListMagics: readonly Magic[] = [
  {
    name: "executors",
    summary: "Gives the executors that magics made in this notebook.",
    line: {
      translate({ args }: LineCall) {
        readNothing(args, "%executors")
        return [`${runtimeName}.executors()`]
      },
    },
  },
  {
    name: "clean",
    summary: "Closes the executors that cells made for themselves, and with them their workers.",
    line: {
      translate({ args, canAwait }: LineCall) {
        readNothing(args, "%clean")
        return [`${canAwait ? "await " : ""}${runtimeName}.clean()`]
      },
    },
  },
]

const context = `import("cellfan").TaskContext`
const items = `import("cellfan").Inputs<T>`

export const executorDeclarations = `
  create<K extends "LocalhostExecutor" | "FunctionExecutor">(kind: K, options: object, variable: string):
    InstanceType<typeof import("cellfan")[K]>
  at(kind: string, options: object | null): {
    call<R>(options: object, body: (none: undefined, ctx: ${context}) => R): Promise<Awaited<R>>
    map<T, R>(items: ${items}, options: object, body: (item: T, ctx: ${context}) => R): Promise<Awaited<R>[]>
    mapReduce<T, R, S>(items: ${items}, reduce: (results: NoInfer<Awaited<R>>[]) => S, options: object,
      body: (item: T, ctx: ${context}) => R): Promise<Awaited<S>>
  }
  executors(): { variable: string; executor: string; backend: string; workers: number; current: boolean }[]
  clean(): Promise<void>`

const makers: Readonly<Record<string, (options: object) => Executor>> = {
  LocalhostExecutor: (options) => new LocalhostExecutor(options),
  FunctionExecutor: (options) => new FunctionExecutor(options),
}

/** An executor that a magic made. */
interface Made {
  readonly executor: Executor
  readonly kind: string
  /** Its options as text: equal text, equal executor. */
  readonly options: string
}

type Body = (input: unknown, ctx: TaskContext) => unknown

export function createExecutorRuntime() {
  const byVariable = new Map<string, Made>()
  const forCells = new Map<string, Made>()
  let current: Made | undefined

  const make = (kind: string, options: object, among: Map<string, Made>, key: string): Made => {
    const before = among.get(key)
    const text = JSON.stringify(options)
    if (before !== undefined && before.kind === kind && before.options === text) return before
    const maker = makers[kind]
    if (maker === undefined) throw new TypeError(`There is no ${kind} in this version.`)
    const made = { executor: maker(options), kind, options: text }
    among.set(key, made)
    if (before !== undefined) void closeWhenIdle(before.executor)
    return made
  }
  const executorFor = (kind: string, options: object | null): Executor => {
    if (options === null && current?.kind === kind) return current.executor
    return make(kind, options ?? {}, forCells, kind).executor
  }
  const all = (): Made[] => [...new Set([...byVariable.values(), ...forCells.values()])]

  return {
    runtime: {
      create(kind: string, options: object, variable: string): Executor {
        current = make(kind, options, byVariable, variable)
        const { workers, backend } = current.executor
        write(
          `${kind} with ${workers} ${workers === 1 ? "worker" : "workers"} on ${backend}, as ${variable}.\n`,
        )
        return current.executor
      },
      at(kind: string, options: object | null) {
        const executor = executorFor(kind, options)
        const named = (job: JobOptions): JobOptions => ({ name: cellName(), ...job })
        return {
          call: (job: JobOptions, body: Body) => executor.callAsync(body, undefined, named(job)),
          map: (inputs: Inputs<unknown>, job: JobOptions, body: Body) =>
            executor.map(body, inputs, named(job)),
          mapReduce: (
            inputs: Inputs<unknown>,
            reduce: (results: unknown[]) => unknown,
            job: JobOptions,
            body: Body,
          ) => executor.mapReduce(body, inputs, reduce, named(job)),
        }
      },
      executors: () => {
        const rows = [
          ...[...byVariable].map(([variable, made]) => ({ variable, made })),
          ...[...forCells.values()].map((made) => ({ variable: "", made })),
        ]
        return rows.map(({ variable, made }) => {
          const { kind, executor } = made
          const { backend, workers } = executor
          return { variable, executor: kind, backend, workers, current: made === current }
        })
      },
      async clean(): Promise<void> {
        const executors = [...forCells.values()].map((made) => made.executor)
        forCells.clear()
        await Promise.all(executors.map((executor) => executor.close()))
        write(`Closed ${executors.length === 1 ? "1 executor" : `${executors.length} executors`} of cells.\n`)
      },
    },
    async close(): Promise<void> {
      await Promise.all(all().map((made) => made.executor.close()))
    },
  }
}

/** What a job is called that the cell gives no name. */
function cellName(): string {
  return `cell ${currentCell()?.executionCount ?? "?"}`
}

/** Closes an executor that nothing refers to any more, as soon as its jobs have settled. */
async function closeWhenIdle(executor: Executor): Promise<void> {
  await executor.wait()
  await executor.close()
}
