import { show } from "../config/validate.ts"
import { Job } from "./job.ts"
import { TaskFuture } from "./task.ts"

/** What `wait` and `getResult` take: one task, a job, or any number of both, whatever their results. */
export type Waitable = TaskFuture<unknown> | Job<unknown> | Iterable<TaskFuture<unknown> | Job<unknown>>

/** What the tasks of a `Waitable` result in. */
export type ResultOf<W> =
  W extends TaskFuture<infer R>
    ? R
    : W extends Job<infer R>
      ? R
      : W extends Iterable<infer One>
        ? ResultOf<One>
        : never

export interface WaitOptions {
  /**
   * When to come back: when all tasks have settled (default), when any has, at once ("always"), or when this percentage has,
   * as a number above 0 and up to 100.
   */
  readonly until?: "all" | "any" | "always" | number
  /** Come back after this many milliseconds in any case. Default: never. */
  readonly timeoutMs?: number
}

/** Tasks that have settled, whichever way, and those that have not; each in the order they were given. */
export interface Waited<R> {
  readonly done: TaskFuture<R>[]
  readonly pending: TaskFuture<R>[]
}

export function tasksOf<W extends Waitable>(what: W): TaskFuture<ResultOf<W>>[] {
  return flatten(what) as TaskFuture<ResultOf<W>>[]
}

function flatten(what: Waitable): TaskFuture<unknown>[] {
  if (what instanceof TaskFuture) return [what]
  if (what instanceof Job) return [...what.tasks]
  if (typeof (what as Iterable<unknown>)?.[Symbol.iterator] !== "function")
    throw new TypeError(`wait and getResult take a task, a job, or a list of them, but got ${show(what)}.`)
  return [...what].flatMap(flatten)
}

export async function waitFor<R>(
  tasks: readonly TaskFuture<R>[],
  options: WaitOptions = {},
): Promise<Waited<R>> {
  const needed = neededOf(options.until ?? "all", tasks.length)
  const { timeoutMs } = options
  if (timeoutMs !== undefined && !(timeoutMs >= 0))
    throw new RangeError(
      `Option \`timeoutMs\` of wait takes a number of milliseconds from 0, but got ${timeoutMs}.`,
    )
  const settled = new Set(tasks.filter(isSettled))
  if (settled.size < needed) await enough(tasks, settled, needed, timeoutMs)
  return { done: tasks.filter(isSettled), pending: tasks.filter((task) => !isSettled(task)) }
}

function enough(
  tasks: readonly TaskFuture<unknown>[],
  settled: ReadonlySet<TaskFuture<unknown>>,
  needed: number,
  timeoutMs: number | undefined,
): Promise<void> {
  return new Promise((resolve) => {
    let missing = needed - settled.size
    const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs)
    for (const task of tasks) {
      if (settled.has(task)) continue
      void task.settled().then(() => {
        if (--missing > 0) return
        clearTimeout(timer)
        resolve()
      })
    }
  })
}

function neededOf(until: NonNullable<WaitOptions["until"]>, count: number): number {
  if (until === "all") return count
  if (until === "any") return Math.min(1, count)
  if (until === "always") return 0
  if (typeof until === "number" && until > 0 && until <= 100) return Math.ceil((until / 100) * count)
  throw new RangeError(
    `Option \`until\` of wait takes "all", "any", "always" or a percentage above 0 and up to 100, but got ${String(until)}.`,
  )
}

function isSettled({ state }: TaskFuture<unknown>): boolean {
  return state !== "queued" && state !== "running"
}
