import type { FunctionSize, Platform } from "./platform.ts"

/** What users can do about what became of their tasks, in the words that all platforms share. */

type Limited = Pick<Platform, "title" | "limits">

export function timeoutHint({ timeoutMs }: FunctionSize, { title, limits }: Limited): string {
  const most =
    timeoutMs >= limits.timeoutMs
      ? `${title} allows no more; split the task`
      : `raise \`timeoutMs\`, up to ${limits.timeoutMs}`
  return `after ${timeoutMs / 1000} s, the function's time (${most})`
}

export function outOfMemory({ memoryMiB }: FunctionSize, { limits }: Limited): string {
  return `ran out of memory: the function has ${memoryMiB} MiB (raise \`memoryMiB\`, up to ${limits.memoryMiB}, or give each task less to hold)`
}

/** What of a request or an answer is left for bytes, which travel as base64, in MB. */
export function roomInMb(bytes: number): string {
  return ((bytes * 0.75) / 1e6).toFixed(1)
}
