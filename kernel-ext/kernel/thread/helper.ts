import { randomUUID } from "node:crypto"
import { parentPort, workerData } from "node:worker_threads"
import { log, logBytes, logTo } from "../log.ts"
import { Server } from "../server.ts"
import type { Header, Message, Outgoing } from "../wire.ts"
import { AwaitedChild } from "./awaited.ts"
import { answerDebug, connectReply, noSubshells } from "./control.ts"
import { InheritedOutput } from "./inherited.ts"
import { Interrupts } from "./interrupts.ts"
import { Lingering } from "./lingering.ts"
import { type Answer, Board, type ThreadData, type ToMain, type ToThread } from "./link.ts"
import { watchParent } from "./parent.ts"
import { listenForSignals } from "./signals.ts"
import { StreamBatches } from "./streams.ts"
import { Usage } from "./usage.ts"

/**
 * The kernel's helper thread. It owns the sockets, so that heartbeats, interrupts and output go through while a cell keeps
 * the main thread busy, and hands everything else on.
 *
 *     link.ts        what the two threads say to each other
 *     control.ts     answers that need no main thread
 *     usage.ts       how much memory and time the kernel uses
 *     streams.ts     console text, gathered for some milliseconds
 *     inherited.ts   what child processes write
 *     interrupts.ts  ends what the main thread is doing, in the steps of interruption.ts
 *     awaited.ts     ends the child process that the main thread waits for; processes.ts lists processes
 *     lingering.ts   ends what interrupted cells left behind, where it keeps the main thread busy
 *     rescue.ts      how the two of them do it
 *     signals.ts     hears SIGINT, whatever the main thread is doing
 *     parent.ts      ends the kernel when Jupyter has gone
 */

/** A main thread that has not ended after being told and interrupted is killed. */
const SHUTDOWN_INTERRUPT_AFTER_MS = 1000
const SHUTDOWN_KILL_AFTER_MS = 3500

/** Who sends SIGINT sends it to the group as a rule, with the child that the main thread waits for. */
const SIGNAL_PATIENCE_MS = 500

export async function runHelper(): Promise<void> {
  const port = parentPort
  if (port === null) throw new Error("The helper thread of the kernel was started as a program of its own")
  const data: ThreadData = workerData
  const helper = new Helper(data, (message) => port.postMessage(message))
  port.on("message", (message: ToThread) => helper.take(message))
  await helper.start()
}

class Helper {
  readonly #data: ThreadData
  readonly #board: Int32Array
  readonly #toMain: (message: ToMain) => void
  readonly #server: Server
  readonly #streams: StreamBatches
  readonly #interrupts: Interrupts
  readonly #lingering: Lingering
  readonly #awaited = new AwaitedChild()
  readonly #inherited: InheritedOutput | undefined
  #newestCell: Header | undefined
  /** Where the answer to the newest question goes; undefined while none is open. */
  #answer: ((answer: Answer) => void) | undefined
  readonly #usage = new Usage()
  #stopping = false
  #listensForSignals = false
  readonly #topics = `kernel.${randomUUID()}.`

  constructor(data: ThreadData, toMain: (message: ToMain) => void) {
    this.#data = data
    this.#toMain = toMain
    this.#board = new Int32Array(data.board)
    this.#server = new Server(data.connection, {
      received: (channel, message) => {
        if (channel === "stdin") this.#answered(message)
        else if (!this.#serve(channel, message)) this.#toMain({ kind: "request", channel, message })
      },
    })
    this.#streams = new StreamBatches((topic, message, load) => this.#publishNow(topic, message, load))
    const { descriptors } = data
    if (descriptors !== undefined) {
      logTo(descriptors.log)
      this.#inherited = new InheritedOutput(descriptors, (name, text) => this.#writeInherited(name, text))
    }
    this.#interrupts = new Interrupts(this.#board, toMain, data.ownFolders)
    this.#lingering = new Lingering(this.#board, data.ownFolders, {
      isInterrupting: () => !this.#interrupts.isIdle,
      toMain,
    })
  }

  async start(): Promise<void> {
    let problem: string | undefined
    try {
      await this.#server.listen(this.#data.connection)
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error)
    }
    this.#toMain({ kind: "listening", problem })
    if (problem !== undefined) return
    this.#publish({ type: "status", parent: undefined, content: `{"execution_state":"starting"}` })
    const { parentPid } = this.#data
    if (parentPid !== undefined) {
      watchParent(parentPid, () => {
        log("The Jupyter process that started this kernel has gone")
        this.#stop(false)
      })
    }
  }

  take(message: ToThread): void {
    // Who waits says nothing: what was terminated just behind its wait has not said that it is over.
    if (message.kind !== "awaits child") this.#awaited.over()
    switch (message.kind) {
      case "reply":
        void this.#server.send(message.channel, message.identities, message.message)
        return
      case "began":
        this.#newestCell = message.parent
        return
      case "ended":
        this.#inherited?.drain()
        Atomics.store(this.#board, Board.drained, 1)
        Atomics.notify(this.#board, Board.drained)
        return
      case "publish":
        this.#publish(message.message, message.load)
        return
      case "stream":
        this.#streams.write(message.name, message.parent, message.text)
        return
      case "mark":
        // The sockets' reads that are due come first.
        setImmediate(() => setImmediate(() => this.#toMain({ kind: "marked", id: message.id })))
        return
      case "ask":
        this.#ask(message)
        return
      case "awaits child":
        this.#awaited.began(message.others)
        if (this.#interrupts.isUnderWay) this.#awaited.interrupt()
        return
      case "child ended":
        return
      case "interrupt":
        this.#interrupt(SIGNAL_PATIENCE_MS)
        return
      case "end":
        void this.#end()
        return
      default:
        message satisfies never
    }
  }

  /** Requests that must not wait for the main thread. False where the request is not one of them. */
  #serve(channel: "shell" | "control", message: Message): boolean {
    const reply = (type: string, content: string) =>
      this.#withStatus(message.header, () => {
        void this.#server.send(channel, message.identities, { type, parent: message.header, content })
      })
    switch (message.header.msg_type) {
      case "shutdown_request":
        this.#shutdown(channel, message)
        return true
      case "interrupt_request":
        this.#interrupt()
        reply("interrupt_reply", `{"status":"ok"}`)
        return true
      case "connect_request":
        reply("connect_reply", connectReply(this.#data.connection))
        return true
      case "debug_request":
        reply("debug_reply", answerDebug(message.content))
        return true
      case "kernel_info_request":
        // On shell it keeps its place among the others.
        if (channel === "shell") return false
        reply("kernel_info_reply", this.#data.kernelInfo)
        return true
      case "usage_request":
        reply("usage_reply", this.#usage.reply())
        return true
      case "create_subshell_request":
      case "delete_subshell_request":
      case "list_subshell_request":
        reply(message.header.msg_type.replace("request", "reply"), noSubshells)
        return true
      case "execute_request":
        this.#listenForSignals()
        return false
      default:
        return false
    }
  }

  #withStatus(parent: Header, body: () => void): void {
    this.#publish({ type: "status", parent, content: `{"execution_state":"busy"}` })
    body()
    this.#publish({ type: "status", parent, content: `{"execution_state":"idle"}` })
  }

  /** With the first cell: before it there is no code of the user's that would keep the main thread from hearing. */
  #listenForSignals(): void {
    if (this.#listensForSignals) return
    this.#listensForSignals = true
    listenForSignals(() => this.#interrupt(SIGNAL_PATIENCE_MS))
  }

  #interrupt(childPatienceMs = 0): void {
    this.#answer?.({ interrupted: true })
    this.#interrupts.interrupt()
    this.#awaited.interrupt(childPatienceMs)
    this.#lingering.begin()
  }

  #shutdown(channel: "shell" | "control", message: Message): void {
    const restart = message.content.restart === true
    const content = JSON.stringify({ status: "ok", restart })
    const outgoing = { type: "shutdown_reply", parent: message.header, content }
    this.#withStatus(message.header, () => {
      void this.#server.send(channel, message.identities, outgoing)
      this.#publish(outgoing)
    })
    this.#stop(restart)
  }

  /** Has the main thread end the process; sees to it that it does. */
  #stop(restart: boolean): void {
    if (this.#stopping) return
    this.#stopping = true
    this.#answer?.({ interrupted: true })
    this.#awaited.interrupt()
    this.#toMain({ kind: "shutdown", restart })
    setTimeout(() => this.#interrupts.interrupt(), SHUTDOWN_INTERRUPT_AFTER_MS)
    setTimeout(() => process.kill(process.pid, "SIGKILL"), SHUTDOWN_KILL_AFTER_MS)
  }

  #ask(question: Extract<ToThread, { kind: "ask" }>): void {
    this.#streams.flush()
    const { port } = question
    this.#answer = (answer) => {
      this.#answer = undefined
      if (port === undefined) {
        this.#toMain({ kind: "answer", answer })
        return
      }
      port.postMessage(answer)
      Atomics.store(this.#board, Board.answered, 1)
      Atomics.notify(this.#board, Board.answered)
    }
    void this.#server.send("stdin", question.identities, question.message)
  }

  #answered(message: Message): void {
    if (message.header.msg_type !== "input_reply" || this.#answer === undefined) {
      log(`Dropped a message on stdin: nobody waits for ${message.header.msg_type}`)
      return
    }
    const { value } = message.content
    this.#answer({ value: typeof value === "string" ? value : "" })
  }

  #publish(message: Outgoing, load = 0): void {
    this.#streams.flush()
    this.#publishNow(`${this.#topics}${message.type}`, message, load)
  }

  #publishNow(topic: string, message: Outgoing, load: number): void {
    const sent = this.#server.publish(topic, message)
    if (load === 0) return
    void sent.then(() => {
      Atomics.sub(this.#board, Board.load, load)
      Atomics.notify(this.#board, Board.load)
    })
  }

  #writeInherited(name: "stdout" | "stderr", text: string): void {
    if (this.#newestCell === undefined) logBytes(text)
    else this.#streams.write(name, this.#newestCell, text)
  }

  async #end(): Promise<void> {
    this.#inherited?.drain()
    this.#streams.flush()
    await this.#server.close()
    Atomics.store(this.#board, Board.ended, 1)
    Atomics.notify(this.#board, Board.ended)
  }
}
