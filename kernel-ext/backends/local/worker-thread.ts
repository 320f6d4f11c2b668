import type { Readable } from "node:stream"
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads"
import {
  type ControlReply,
  type FromWorker,
  type LogStream,
  parseFromWorker,
  type Sending,
  writeLetter,
} from "../../protocol/worker.ts"
import { movable } from "../../util/moving.ts"
import { Ticket } from "../../worker/ticket.ts"
import { outOfMemory } from "./exit-reason.ts"
import { workerFile } from "./worker-file.ts"
import type { WorkerEnd, WorkerLink, WorkerListener } from "./worker-link.ts"

interface Posted {
  readonly message: FromWorker
  readonly parts: readonly Uint8Array[]
}

/** One worker thread: its port, the ticket it shares with this thread, and how it ended. */
export class WorkerThread implements WorkerLink {
  readonly name: string
  readonly #worker: Worker
  readonly #port: MessagePort
  readonly #listener: WorkerListener
  readonly #ticket = new Ticket()
  #nextReply = 1
  #error: Error | undefined
  #violation: string | undefined
  #gone = false
  #killedBecause: string | undefined

  constructor(
    options: { memoryMiB: number | undefined; env: Readonly<Record<string, string>> },
    listener: WorkerListener,
  ) {
    this.#listener = listener
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    const { memoryMiB } = options
    this.#worker = new Worker(workerFile("thread"), {
      workerData: { port: port2, ticket: this.#ticket.memory },
      transferList: [port2],
      env: { ...process.env, ...options.env },
      // What this process was started with, a loader for TypeScript perhaps, is not for the worker.
      execArgv: [],
      stdout: true,
      stderr: true,
      ...(memoryMiB === undefined ? {} : { resourceLimits: { maxOldGenerationSizeMb: memoryMiB } }),
    })
    this.name = `localhost:${process.pid}.${this.#worker.threadId}`
    this.#port.on("message", (posted: Posted) => this.#receive(posted))
    this.#readRaw("stdout", this.#worker.stdout)
    this.#readRaw("stderr", this.#worker.stderr)
    this.#worker.on("error", (error) => {
      this.#error = error instanceof Error ? error : new Error(String(error))
    })
    this.#worker.on("exit", (code) => this.#exited(code))
    this.hold(false)
  }

  send(...sendings: readonly Sending[]): void {
    const { letter, parts } = writeLetter(sendings)
    // What the user holds, and may send again, stays here.
    const { sent, moved } = movable(parts, () => false)
    this.#port.postMessage({ letter, parts: sent }, moved)
  }

  probe(answered: (reply: ControlReply) => void): void {
    this.#reply(this.#ticket.next, answered)
  }

  takeBack(epoch: number, answered: (reply: ControlReply) => void): void {
    this.#reply(this.#ticket.close(epoch), answered)
  }

  kill(because: string): void {
    if (this.#gone) return
    this.#killedBecause ??= because
    void this.#worker.terminate()
  }

  retire(): void {
    this.#killedBecause ??= "was closed"
    this.#port.close()
  }

  hold(on: boolean): void {
    const verb = on ? "ref" : "unref"
    this.#worker[verb]()
    this.#port[verb]()
  }

  #reply(next: number, answered: (reply: ControlReply) => void): void {
    const { busy, startedAtMs } = this.#ticket
    const reply = { id: this.#nextReply++, next, busy, startedAtMs }
    // As from another process, the answer comes after the question has returned.
    queueMicrotask(() => {
      if (!this.#gone) answered(reply)
    })
  }

  #receive({ message: head, parts }: Posted): void {
    if (this.#violation !== undefined) return
    const message = parseFromWorker(head)
    try {
      if (message === undefined) throw new RangeError("an unknown message")
      this.#listener.message(message, parts)
    } catch (error) {
      this.#violation = `sent what is no message of ours (${error instanceof Error ? error.message : error})`
      this.kill(this.#violation)
    }
  }

  #readRaw(name: LogStream, stream: Readable): void {
    stream.setEncoding("utf8")
    stream.on("data", (text: string) => this.#listener.rawOutput(name, text))
  }

  #exited(code: number): void {
    // What it sent before it ended is still in the port.
    for (
      let one = receiveMessageOnPort(this.#port);
      one !== undefined;
      one = receiveMessageOnPort(this.#port)
    )
      this.#receive(one.message as Posted)
    this.#port.close()
    this.#gone = true
    const { next, busy } = this.#ticket
    this.#listener.gone({ ...this.#endOf(code), position: busy && next > 0 ? next - 1 : undefined })
  }

  #endOf(code: number): WorkerEnd {
    const known = this.#killedBecause
    if (known !== undefined) return { reason: known, isFinal: true, wasKilled: true }
    if ((this.#error as NodeJS.ErrnoException | undefined)?.code === "ERR_WORKER_OUT_OF_MEMORY")
      return {
        reason: `${outOfMemory} (raise memoryMiB, or give each task less to hold)`,
        isFinal: true,
        wasKilled: false,
      }
    const said = this.#error === undefined ? "" : `: ${this.#error.message}`
    return { reason: `exited with code ${code}${said}`, isFinal: false, wasKilled: false }
  }
}
