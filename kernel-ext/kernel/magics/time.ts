import { UsageError } from "../../errors.ts"
import { aroundResult, readBody, readLine } from "./body.ts"
import type { Edit, Part } from "./edits.ts"
import { type CellCall, type LineCall, type Magic, runtimeName } from "./magic.ts"
import { write } from "./output.ts"

/** %time and %%time. */

export const timeMagics: readonly Magic[] = [
  {
    name: "time",
    summary: "Runs code and tells how long it took.",
    details:
      "Promises are awaited. As a line it times the rest of the line, whose value it gives: `const n = %time f()`.",
    line: { words: "CODE", takesCode: true, translate: translateLine },
    cell: { runsHere: true, translate: translateCell },
  },
]

function translateLine(call: LineCall): Part[] {
  const line = readLine(call.args)
  if (line === undefined)
    throw new UsageError(
      call.args.trim() === ""
        ? "%time takes the code to time: %time CODE. A whole cell is timed by %%time."
        : `%time takes one line of TypeScript, but got ${call.args.trim()}.`,
    )
  const code = { start: call.argsStart + line.start, end: call.argsStart + line.end }
  if (line.kind === "statements") {
    if (call.assigned !== undefined)
      throw new UsageError(`%time takes an expression where its value goes to ${call.assigned}.`)
    return [`${runtimeName}.timeStart();`, code, `;${runtimeName}.timeEnd()`]
  }
  if (!call.canAwait) return [`${runtimeName}.time(() => (`, code, "))"]
  return [`await ${runtimeName}.time(async () => (`, code, "))"]
}

function translateCell(call: CellCall): Edit[] {
  if (call.args.trim() !== "")
    throw new UsageError("%%time takes no arguments on its line; the cell's body is timed.")
  const body = readBody(call.code, call.end, call.bodyStart, false)
  const { end } = body
  const edits = aroundResult(body, `await ${runtimeName}.timeEnd((`, "))")
  return [
    { start: call.start, end: call.end, parts: [`${runtimeName}.timeStart();`] },
    ...(edits.length > 0 ? edits : [{ start: end, end, parts: [`;${runtimeName}.timeEnd()`] }]),
  ]
}

export const timeDeclarations = `
  time<T>(run: () => T): T
  timeStart(): void
  timeEnd(): void
  timeEnd<T>(value: T): T`

interface Start {
  readonly wallMs: number
  readonly cpu: NodeJS.CpuUsage
}

export function createTimeRuntime() {
  let cell: Start | undefined
  return {
    time<T>(run: () => T): T {
      const start = now()
      const value = run()
      return whenSettled(value, () => tell(start))
    },
    timeStart(): void {
      cell = now()
    },
    timeEnd<T>(value?: T): T | undefined {
      const start = cell
      return start === undefined ? value : whenSettled(value, () => tell(start))
    },
  }
}

function now(): Start {
  return { wallMs: performance.now(), cpu: process.cpuUsage() }
}

/** Calls `then` now, or when a promise that `value` is has settled; gives `value`, or a promise of its result. */
function whenSettled<T>(value: T, then: () => void): T {
  if (typeof (value as { then?: unknown } | undefined)?.then !== "function") {
    then()
    return value
  }
  return Promise.resolve(value).finally(then) as T
}

function tell(start: Start): void {
  const wallMs = performance.now() - start.wallMs
  const { user, system } = process.cpuUsage(start.cpu)
  const cpu = [user, system, user + system].map((us) => duration(us / 1000))
  write(`CPU times: user ${cpu[0]}, sys: ${cpu[1]}, total: ${cpu[2]}\nWall time: ${duration(wallMs)}\n`)
}

/** "850 µs", "12.3 ms", "4.57 s", "2min 5s": three digits, as IPython writes it. */
export function duration(ms: number): string {
  if (ms >= 60_000) return `${Math.floor(ms / 60_000)}min ${Math.round((ms % 60_000) / 1000)}s`
  if (ms >= 1000) return `${digits(ms / 1000)} s`
  if (ms >= 1) return `${digits(ms)} ms`
  return `${digits(ms * 1000)} µs`
}

function digits(value: number): string {
  return String(Number(value.toPrecision(3)))
}
