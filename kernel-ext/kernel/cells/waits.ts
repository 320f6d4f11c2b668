import type MagicString from "magic-string"
import { currentCell } from "../current-cell.ts"
import { KeyboardInterrupt } from "../keyboard-interrupt.ts"
import type { Cell } from "../types.ts"
import type { Analysis, Wait } from "./scope.ts"

/**
 * Lets an interrupt reach code that waits. JavaScript cannot be ended at an `await`, so each one in a cell asks, when it goes on,
 * whether its cell was interrupted meanwhile, and throws then, as Python does; what is in a `finally` is done. Like Python, it
 * throws once: code that begins to wait after the interrupt, in a `finally`, say, or in a server that the cell started, may go on.
 *
 *     await x                 ((c, v) => c ? c(v) : v)(globalThis.$cellfanWait?.(), await x)
 *     for await (… of x)      for await (… of ((c, v) => c ? c(v) : v)(globalThis.$cellfanEach, (x)))
 *
 * The text means the same where there is no such property: a function's text may be evaluated elsewhere, in a browser by
 * Playwright, say, or in a worker.
 */

const APPLY = "((c, v) => c ? c(v) : v)"

export function markWaits({ waits }: Analysis, body: MagicString): void {
  for (const wait of waits) {
    const { before, after } = textAround(wait)
    body.appendRight(wait.start, before)
    // Within whatever else ends there.
    body.prependLeft(wait.end, after)
  }
}

function textAround({ kind }: Wait): { before: string; after: string } {
  return kind === "await"
    ? { before: `${APPLY}(globalThis.$cellfanWait?.(), `, after: ")" }
    : { before: `${APPLY}(globalThis.$cellfanEach, (`, after: "))" }
}

type Check = <T>(value: T) => T

const checks = new WeakMap<Cell, Check>()
/** Cells whose code has heard of the interrupt. */
const told = new WeakSet<Cell>()

/** Called where a wait begins; what it gives is called where that ends. */
function begin(): Check | undefined {
  const cell = currentCell()
  if (cell === undefined || cell.signal.aborted || told.has(cell)) return undefined
  const known = checks.get(cell)
  if (known !== undefined) return known
  const check: Check = (value) => {
    if (!(cell.isInterrupted?.() ?? cell.signal.aborted)) return value
    told.add(cell)
    throw new KeyboardInterrupt()
  }
  checks.set(cell, check)
  return check
}

/** What `for await` goes over in place of `values`: the same values, and an interrupt between them. */
function each(values: AsyncIterable<unknown> | Iterable<unknown>): AsyncIterable<unknown> {
  if (!isAsync(values)) return eachAwaited(values)
  const iterator = values[Symbol.asyncIterator]()
  // Not a generator: `yield` would wait for each value that can be waited for, such as a task, and give what comes of it.
  const checked: AsyncIterableIterator<unknown> = {
    async next() {
      const check = begin()
      const step = await iterator.next()
      try {
        return check === undefined ? step : check(step)
      } catch (interrupt) {
        await iterator.return?.()
        throw interrupt
      }
    },
    [Symbol.asyncIterator]: () => checked,
  }
  const leave = iterator.return?.bind(iterator)
  return leave === undefined ? checked : Object.assign(checked, { return: leave })
}

function isAsync(values: AsyncIterable<unknown> | Iterable<unknown>): values is AsyncIterable<unknown> {
  return typeof (values as AsyncIterable<unknown> | null)?.[Symbol.asyncIterator] === "function"
}

async function* eachAwaited(values: Iterable<unknown>): AsyncGenerator {
  let check = begin()
  for await (const value of values) {
    yield check === undefined ? value : check(value)
    check = begin()
  }
}

/** Nobody's business who lists what is global. */
export function defineWaits(): void {
  for (const [name, value] of Object.entries({ $cellfanWait: begin, $cellfanEach: each }))
    Object.defineProperty(globalThis, name, { value, configurable: true, enumerable: false })
}
