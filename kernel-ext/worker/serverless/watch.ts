import type { TaskThread } from "./task-thread.ts"

/** The share of its memory that a process may use before its task is ended. What is left is for the system, which counts differently. */
const fullShare = 0.92

/** A task fills some tens of MiB meanwhile; to look takes ten microseconds. */
const lookAtMemoryEveryMs = 10

export function maxBytesOf(memoryMiB: number | undefined): number {
  return (memoryMiB ?? Number.POSITIVE_INFINITY) * fullShare * 2 ** 20
}

export type Interruption =
  | { readonly kind: "late"; readonly limit: "task" | "function" }
  /** Nobody waits for the answer any more. */
  | { readonly kind: "left" }
  /** The process uses nearly all the memory that it may. */
  | { readonly kind: "full" }

interface Watched {
  readonly timeoutMs: number | undefined
  readonly deadlineMs: number
  readonly maxBytes: number
  readonly signal: AbortSignal | undefined
}

/** Tells when the running task has taken too long or too much, the function's time is nearly up, or the caller has left. */
export function watchFor(
  thread: TaskThread,
  { timeoutMs, deadlineMs, maxBytes, signal }: Watched,
): { promise: Promise<Interruption>; stop(): void } {
  const timers: NodeJS.Timeout[] = []
  const watching = new AbortController()
  const promise = new Promise<Interruption>((resolve) => {
    timers.push(setTimeout(() => resolve({ kind: "late", limit: "function" }), deadlineMs))
    if (signal?.aborted) resolve({ kind: "left" })
    signal?.addEventListener("abort", () => resolve({ kind: "left" }), { signal: watching.signal })
    if (maxBytes !== Number.POSITIVE_INFINITY) {
      const look = () => {
        if (process.memoryUsage.rss() > maxBytes) resolve({ kind: "full" })
      }
      timers.push(setInterval(look, lookAtMemoryEveryMs))
    }
    if (timeoutMs === undefined) return
    const lookEveryMs = Math.min(100, Math.max(5, timeoutMs / 10))
    const look = () => {
      if (thread.runningMs() > timeoutMs) resolve({ kind: "late", limit: "task" })
    }
    timers.push(setInterval(look, lookEveryMs))
  })
  const stop = () => {
    timers.forEach(clearTimeout)
    watching.abort()
  }
  return { promise, stop }
}
