import { AsyncLocalStorage } from "node:async_hooks"
import type { Cell } from "./types.ts"

const storage = new AsyncLocalStorage<Cell | undefined>()

/** Runs `body` so that whatever it starts, now or from timers and promises later, belongs to `cell`. */
export function inCell<T>(cell: Cell, body: () => T): T {
  return storage.run(cell, body)
}

/** Calls `body`, an event of the kernel's own: a cell that was ended half way may have left its mark on what events share. */
export function outsideCells(body: () => void): void {
  storage.run(undefined, body)
}

/** The cell that the running code belongs to; undefined outside of any. */
export function currentCell(): Cell | undefined {
  return storage.getStore()
}

const atEnd = new WeakMap<Cell, Set<() => void>>()

/** Calls `listener`, which must not throw, when the cell has run and before it is said to have ended. Returns the way to forget it. */
export function onCellEnd(cell: Cell, listener: () => void): () => void {
  const listeners = atEnd.get(cell) ?? new Set()
  atEnd.set(cell, listeners.add(listener))
  return () => listeners.delete(listener)
}

export function tellCellEnd(cell: Cell): void {
  const listeners = atEnd.get(cell) ?? []
  atEnd.delete(cell)
  for (const listener of listeners) listener()
}
