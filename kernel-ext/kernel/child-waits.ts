import childProcess, { type ChildProcess } from "node:child_process"
import { subscribe } from "node:diagnostics_channel"
import { syncBuiltinESMExports } from "node:module"
import { currentCell } from "./current-cell.ts"
import { KeyboardInterrupt } from "./keyboard-interrupt.ts"

/** Who hears that a cell blocks this thread until a child process has ended. */
export interface ChildWaits {
  /** `others`: the processes that run already, and are not the one that it waits for. */
  awaitsChild(others: readonly number[]): void
  childEnded(): void
}

const waits = ["execFileSync", "execSync", "spawnSync"] as const

/**
 * Lets an interrupt end a cell's `execSync`, `execFileSync` and `spawnSync`: the helper thread is told of the wait (thread/awaited.ts
 * says what it does), and where the wait has ended by an interrupt, so does the cell, as it would in Python.
 */
export function tellOfChildWaits(listener: ChildWaits): void {
  const started = childrenStarted()
  for (const name of waits) {
    const real = childProcess[name] as (...args: unknown[]) => unknown
    const { [name]: interruptible } = {
      [name](...args: unknown[]) {
        const cell = currentCell()
        if (cell === undefined) return real(...args)
        const stopInterrupted = () => {
          if (cell.isInterrupted?.()) throw new KeyboardInterrupt()
        }
        stopInterrupted()
        listener.awaitsChild(started())
        try {
          return real(...args)
        } finally {
          listener.childEnded()
          stopInterrupted()
        }
      },
    }
    Object.assign(childProcess, { [name]: interruptible })
  }
  syncBuiltinESMExports()
}

/** Keeps an account of the child processes that run beside this one. */
function childrenStarted(): () => number[] {
  const started = new Set<ChildProcess>()
  const running = () => {
    for (const child of started)
      if (child.exitCode !== null || child.signalCode !== null) started.delete(child)
    return [...started]
  }
  // Told before they are started: only later have they a number.
  subscribe("child_process", (message) => {
    running()
    started.add((message as { process: ChildProcess }).process)
  })
  return () => running().flatMap(({ pid }) => (pid === undefined ? [] : [pid]))
}
