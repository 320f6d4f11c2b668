import { writeSync } from "node:fs"
import { Writable } from "node:stream"
import { isMainThread } from "node:worker_threads"
import type { LogStream } from "../protocol/worker.ts"
import { currentTask } from "./context.ts"

/**
 * Makes process.stdout and process.stderr, and so the console, write to the log of whichever task does the writing.
 * Output that belongs to no task goes where it would have gone.
 */
export function routeOutput(): void {
  for (const [name, fd] of [
    ["stdout", 1],
    ["stderr", 2],
  ] as const) {
    if (!isMainThread) {
      routeThread(name)
      continue
    }
    let stream: Writable | undefined
    // Made when first used: most tasks print nothing, and a stream costs start-up time.
    const get = () => (stream ??= new TaskOutput(name, fd))
    Object.defineProperty(process, name, { configurable: true, enumerable: true, get })
  }
}

/** A thread's own streams stay what they are: Node speaks with the host through them. */
function routeThread(name: LogStream): void {
  const stream = process[name]
  const passOn = stream.write.bind(stream) as (chunk: unknown, ...more: unknown[]) => boolean
  stream.write = (chunk: unknown, encoding?: unknown, done?: unknown): boolean => {
    const task = currentTask.getStore()
    if (task === undefined) return passOn(chunk, encoding, done)
    task.output.write(name, textOf(chunk))
    callBack(encoding, done)
    return true
  }
}

function textOf(chunk: unknown): string {
  return typeof chunk === "string" ? chunk : Buffer.from(chunk as Uint8Array).toString("utf8")
}

function callBack(encoding: unknown, done: unknown): void {
  const callback = typeof encoding === "function" ? encoding : done
  if (typeof callback === "function") process.nextTick(callback as () => void)
}

class TaskOutput extends Writable {
  readonly fd: number
  readonly isTTY = false
  readonly #name: LogStream

  constructor(name: LogStream, fd: number) {
    super({ decodeStrings: false })
    this.fd = fd
    this.#name = name
  }

  override write(chunk: unknown, encoding?: unknown, done?: unknown): boolean {
    const text = textOf(chunk)
    const task = currentTask.getStore()
    if (task !== undefined) task.output.write(this.#name, text)
    else writeSync(this.fd, text)
    callBack(encoding, done)
    return true
  }
}
