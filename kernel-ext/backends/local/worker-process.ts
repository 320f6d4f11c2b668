import { type ChildProcess, spawn } from "node:child_process"
import type { Socket } from "node:net"
import type { Readable } from "node:stream"
import {
  Control,
  type ControlReply,
  controlReplyBytes,
  decodeControlReply,
  encodeControlRequest,
  type LogStream,
  parseFromWorker,
  type Sending,
  writeLetter,
} from "../../protocol/worker.ts"
import { encodeFrame, FrameReader } from "../../util/frames.ts"
import { exitReason, outOfMemory } from "./exit-reason.ts"
import type { WorkerEnd, WorkerLink, WorkerListener, WorkerProgram } from "./worker-link.ts"

/** Enough of what a dying process says to tell why it died. */
const lastWordsLength = 16 * 1024

/** How long the channel may stay open after the process has ended: its own child may have inherited it. */
const drainMs = 200

/** One worker process: its three channels, and how it ended. */
export class WorkerProcess implements WorkerLink {
  readonly #host: string
  readonly #child: ChildProcess
  readonly #listener: WorkerListener
  readonly #input: Socket
  readonly #output: Socket
  readonly #control: Socket
  readonly #replies = new Map<number, (reply: ControlReply) => void>()
  #nextRequest = 1
  #lastWords = ""
  #violation: string | undefined
  #gone = false
  /** Why we ended it ourselves. */
  #killedBecause: string | undefined

  constructor(
    { host, env, command }: WorkerProgram,
    memoryMiB: number | undefined,
    listener: WorkerListener,
  ) {
    this.#listener = listener
    this.#host = host
    const flags = memoryMiB === undefined ? [] : [`--max-old-space-size=${memoryMiB}`]
    this.#child = spawn(process.execPath, [...flags, ...command], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe", "pipe", "pipe", "pipe"],
      // A group of its own: an interrupt from the terminal is the kernel's to handle.
      detached: true,
    })
    const stdio = this.#child.stdio as unknown as [null, Readable, Readable, Socket, Socket, Socket]
    this.#input = stdio[3]
    this.#output = stdio[4]
    this.#control = stdio[5]
    // A write to a process that has just died fails; that it died is told by its exit.
    for (const socket of [this.#input, this.#output, this.#control]) socket.on("error", () => {})
    const reader = new FrameReader((head, parts) => this.#receive(head, parts))
    this.#output.on("data", (chunk: Buffer) => this.#read(reader, chunk))
    this.#readControl()
    this.#readRaw("stdout", stdio[1])
    this.#readRaw("stderr", stdio[2])
    this.#child.on("error", (error) =>
      this.#end({ reason: `could not be started: ${error.message}`, isFinal: true, wasKilled: false }),
    )
    this.#child.on("exit", (code, signal) => this.#exited(code, signal))
    // A worker that closes its channel can be given nothing and say nothing.
    this.#output.on("end", () =>
      setTimeout(() => this.kill("closed its channel to the kernel"), drainMs).unref(),
    )
    this.#child.unref()
    for (const socket of this.#child.stdio) (socket as Socket | null)?.unref?.()
  }

  get name(): string {
    return `${this.#host}:${this.#child.pid ?? 0}`
  }

  send(...sendings: readonly Sending[]): void {
    const { letter, parts } = writeLetter(sendings)
    const [first, ...more] = encodeFrame(letter, parts)
    if (more.length > 0) this.#input.cork()
    this.#input.write(first as Uint8Array)
    for (const buffer of more) this.#input.write(buffer)
    if (more.length > 0) this.#input.uncork()
  }

  probe(answered: (reply: ControlReply) => void): void {
    this.#request(Control.probe, 0, answered)
  }

  takeBack(epoch: number, answered: (reply: ControlReply) => void): void {
    this.#request(Control.takeBack, epoch, answered)
  }

  kill(because: string): void {
    if (this.#gone || this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#killedBecause ??= because
    this.#child.kill("SIGKILL")
  }

  retire(): void {
    this.#killedBecause ??= "was closed"
    this.#input.end()
  }

  hold(on: boolean): void {
    const verb = on ? "ref" : "unref"
    this.#child[verb]()
    this.#output[verb]()
  }

  #request(what: number, epoch: number, answered: (reply: ControlReply) => void): void {
    const id = this.#nextRequest++
    this.#replies.set(id, answered)
    this.#control.write(encodeControlRequest({ what, id, epoch }))
  }

  #read(reader: FrameReader, chunk: Buffer): void {
    if (this.#violation !== undefined) return
    try {
      reader.push(chunk)
    } catch (error) {
      this.#violate(error instanceof Error ? error.message : String(error))
    }
  }

  #receive(head: unknown, parts: Uint8Array[]): void {
    const message = parseFromWorker(head)
    if (message === undefined) this.#violate("an unknown message")
    else this.#listener.message(message, parts)
  }

  #violate(what: string): void {
    this.#violation = `wrote to its channel what is no message of ours (${what})`
    this.kill(this.#violation)
  }

  #readControl(): void {
    let rest: Buffer = Buffer.alloc(0)
    this.#control.on("data", (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      for (; rest.length >= controlReplyBytes; rest = rest.subarray(controlReplyBytes)) {
        const reply = decodeControlReply(rest)
        const answered = this.#replies.get(reply.id)
        this.#replies.delete(reply.id)
        answered?.(reply)
      }
    })
  }

  #readRaw(name: LogStream, stream: Readable): void {
    stream.setEncoding("utf8")
    stream.on("data", (text: string) => {
      if (name === "stderr") this.#lastWords = (this.#lastWords + text).slice(-lastWordsLength)
      this.#listener.rawOutput(name, text)
    })
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    const end = () => this.#end(this.#endOf(code, signal))
    // What it wrote before it died is still in the channel.
    if (this.#output.readableEnded || this.#output.destroyed) setImmediate(end)
    else {
      const timer = setTimeout(end, drainMs)
      this.#output.once("close", () => {
        clearTimeout(timer)
        setImmediate(end)
      })
    }
  }

  #endOf(code: number | null, signal: NodeJS.Signals | null): WorkerEnd {
    const reason = this.#killedBecause ?? exitReason(code, signal, this.#lastWords)
    const isFinal = this.#killedBecause !== undefined || signal !== null || reason.startsWith(outOfMemory)
    return { reason, isFinal, wasKilled: signal !== null }
  }

  #end(end: WorkerEnd): void {
    if (this.#gone) return
    this.#gone = true
    for (const socket of this.#child.stdio) socket?.destroy()
    this.#listener.gone(end)
  }
}
