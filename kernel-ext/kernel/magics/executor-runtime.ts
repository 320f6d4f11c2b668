import type { JobOptions } from "../../config/schema.ts"
import type { Executor } from "../../executors/executor.ts"
import { FunctionExecutor } from "../../executors/function-executor.ts"
import type { Inputs } from "../../executors/inputs.ts"
import { LocalhostExecutor } from "../../executors/localhost.ts"
import { openExecutors } from "../../executors/observe.ts"
import { ServerlessExecutor } from "../../executors/serverless.ts"
import { StandaloneExecutor } from "../../executors/standalone.ts"
import type { TaskContext } from "../../protocol/context.ts"
import { currentCell } from "../current-cell.ts"
import { write } from "./output.ts"

/** The executors that magics made, which of them is current, and running a cell on one; executor-list.ts tells of all. */

const context = `import("cellfan").TaskContext`
const items = `import("cellfan").Inputs<T>`

export const executorDeclarations = `
  create<K extends "LocalhostExecutor" | "ServerlessExecutor" | "StandaloneExecutor" | "FunctionExecutor">(kind: K, options: object, variable: string):
    InstanceType<typeof import("cellfan")[K]>
  at(kind: string, options: object | null): {
    call<R>(options: object, body: (none: undefined, ctx: ${context}) => R): Promise<Awaited<R>>
    map<T, R>(items: ${items}, options: object, body: (item: T, ctx: ${context}) => R): Promise<Awaited<R>[]>
    mapReduce<T, R, S>(items: ${items}, reduce: (results: NoInfer<Awaited<R>>[]) => S, options: object,
      body: (item: T, ctx: ${context}) => R): Promise<Awaited<S>>
  }`

const makers: Readonly<Record<string, (options: object) => Executor>> = {
  LocalhostExecutor: (options) => new LocalhostExecutor(options),
  ServerlessExecutor: (options) => new ServerlessExecutor(options),
  StandaloneExecutor: (options) => new StandaloneExecutor(options),
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

export type ExecutorRuntime = ReturnType<typeof createExecutorRuntime>

export function createExecutorRuntime() {
  const byVariable = new Map<string, Made>()
  const forCells = new Map<string, Made>()
  let current: Made | undefined

  const make = (kind: string, options: object, among: Map<string, Made>, key: string): Made => {
    const before = among.get(key)
    const text = JSON.stringify(options)
    if (before !== undefined && before.kind === kind && before.options === text && isOpen(before))
      return before
    const maker = makers[kind]
    if (maker === undefined) throw new TypeError(`There is no ${kind} in this version.`)
    const made = { executor: maker(options), kind, options: text }
    among.set(key, made)
    if (before !== undefined) void closeWhenIdle(before.executor)
    return made
  }
  const executorFor = (kind: string, options: object | null): Executor => {
    if (options === null && current?.kind === kind && isOpen(current)) return current.executor
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
    },
    isCurrent: (executor: object): boolean => executor === current?.executor,
    /** The magic whose cells an executor is for; undefined for one that has a variable. */
    cellMagicOf(executor: object): string | undefined {
      return [...forCells.values()].find((made) => made.executor === executor)?.kind
    },
    /** Closes the executors that cells made for themselves; the next such cell makes another. */
    async closeForCells(): Promise<number> {
      const executors = [...forCells.values()].map((made) => made.executor)
      forCells.clear()
      await Promise.all(executors.map((executor) => executor.close()))
      return executors.length
    },
    /** The kernel ends: what outlives it goes on, and `attach` finds it. */
    async close(): Promise<void> {
      await Promise.all(all().map((made) => made.executor.leave()))
    },
  }
}

/** Whether nobody has closed it. */
function isOpen({ executor }: Made): boolean {
  return openExecutors().some(({ handle }) => handle === executor)
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
