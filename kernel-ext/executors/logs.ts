import type { LogStream } from "../protocol/worker.ts"

export interface LogEntry {
  readonly stream: LogStream
  readonly text: string
}

/** Characters kept of one task, and of all tasks of a job: the first of them and, of the rest, the last. */
const perTask = { head: 256 * 1024, tail: 128 * 1024 }
const perJob = 64 * 1024 * 1024

interface TaskLogs {
  head: LogEntry[]
  headLength: number
  tail: LogEntry[]
  tailLength: number
  cut: number
}

/** Console output of a job's tasks, bounded whatever they print. */
export class LogStore {
  readonly #tasks = new Map<number, TaskLogs>()
  #total = 0

  add(index: number, stream: LogStream, text: string): void {
    let logs = this.#tasks.get(index)
    if (logs === undefined) {
      logs = { head: [], headLength: 0, tail: [], tailLength: 0, cut: 0 }
      this.#tasks.set(index, logs)
    }
    if (this.#total + text.length > perJob) {
      logs.cut += text.length
      return
    }
    if (logs.headLength + text.length <= perTask.head && logs.tail.length === 0) {
      append(logs.head, stream, text)
      logs.headLength += text.length
      this.#total += text.length
      return
    }
    this.#addTail(logs, stream, text)
  }

  /** What the task printed, in order. */
  of(index: number): LogEntry[] {
    const logs = this.#tasks.get(index)
    if (logs === undefined) return []
    const cut = `\n… ${logs.cut.toLocaleString("en")} characters cut …\n`
    return [...logs.head, ...(logs.cut > 0 ? [{ stream: "stderr", text: cut } as const] : []), ...logs.tail]
  }

  #addTail(logs: TaskLogs, stream: LogStream, text: string): void {
    const kept = text.length > perTask.tail ? text.slice(-perTask.tail) : text
    logs.cut += text.length - kept.length
    logs.tail.push({ stream, text: kept })
    logs.tailLength += kept.length
    this.#total += kept.length
    while (logs.tailLength > perTask.tail && logs.tail.length > 1) {
      const length = logs.tail.shift()?.text.length ?? 0
      logs.tailLength -= length
      logs.cut += length
      this.#total -= length
    }
  }
}

function append(entries: LogEntry[], stream: LogStream, text: string): void {
  const last = entries.at(-1)
  if (last !== undefined && last.stream === stream && last.text.length < 4096)
    entries[entries.length - 1] = { stream, text: last.text + text }
  else entries.push({ stream, text })
}
