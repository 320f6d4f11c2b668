export const outOfMemory = "ran out of memory"

/** Why a worker process ended, in words that follow "the worker". */
export function exitReason(code: number | null, signal: NodeJS.Signals | null, lastWords: string): string {
  if (/heap out of memory|Allocation failed - |OOM error in V8/.test(lastWords))
    return `${outOfMemory} (raise memoryMiB, or give each task less to hold)`
  if (/ERR_WORKER_OUT_OF_MEMORY/.test(lastWords)) return outOfMemory
  if (signal === "SIGKILL") return "was killed by SIGKILL (by someone, or by the system for lack of memory)"
  if (signal !== null) return `was killed by ${signal}${signalMeaning[signal] ?? ""}`
  const said = lastWords.trim().split("\n").at(-1)
  return said ? `exited with code ${code}: ${said}` : `exited with code ${code}`
}

const signalMeaning: Partial<Record<NodeJS.Signals, string>> = {
  SIGABRT: " (it aborted itself)",
  SIGSEGV: " (native code read memory that is not its own)",
  SIGBUS: " (native code read memory that is not there)",
  SIGILL: " (native code ran what is no instruction)",
}
