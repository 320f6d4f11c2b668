import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads"
import type { RequestChannel } from "../server.ts"
import type { Header, Outgoing } from "../wire.ts"
import { type Answer, BOARD_BYTES, Board, Hold, type ThreadData, type ToMain, type ToThread } from "./link.ts"

/** The helper thread as the main thread sees it. Calls queue and return; only `publish`, `stream` and `askAndWait` may block. */

/** Output under way above which a cell that prints has to wait for the sockets. */
const MOST_LOAD = 16 * 1024 * 1024
/** The helper thread can stop this one while it waits, but only between two waits. */
const LONGEST_HOLD_WAIT_MS = 20

/** A cell waits no longer than this for a client that does not read. */
const LONGEST_WAIT_MS = 30_000

/** The thread reads at once, but for one that has much to send. */
const LONGEST_DRAIN_MS = 1000

export type FromHelper = Exclude<ToMain, { kind: "listening" | "marked" }>

export interface HelperEvents {
  receive(message: FromHelper): void
  /** The thread is gone, and with it every client. */
  lost(reason: string): void
}

export class HelperThread {
  readonly #worker: Worker
  readonly #board: Int32Array
  readonly #hasPipes: boolean
  readonly #marks = new Map<number, () => void>()
  #newestMark = 0
  /** How many calls of `hold` are on the stack. */
  #holds = 0

  private constructor(worker: Worker, board: Int32Array, hasPipes: boolean) {
    this.#worker = worker
    this.#board = board
    this.#hasPipes = hasPipes
  }

  /** Starts the thread. `entry` is the program's own file, which runs the helper when it is not on the main thread. */
  static start(entry: URL, data: Omit<ThreadData, "board">): HelperThread {
    const board = new SharedArrayBuffer(BOARD_BYTES)
    const workerData: ThreadData = { ...data, board }
    return new HelperThread(
      new Worker(entry, { workerData }),
      new Int32Array(board),
      data.descriptors !== undefined,
    )
  }

  /** Resolves when the sockets are bound; from then on messages come through `events`. */
  listening(events: HelperEvents): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#worker.on("error", (error) => events.lost(error.stack ?? String(error)))
      this.#worker.on("exit", (code) => events.lost(`The helper thread ended with code ${code}`))
      this.#worker.on("message", (message: ToMain) => {
        if (message.kind === "listening") {
          if (message.problem === undefined) resolve()
          else reject(new Error(`Cannot listen for Jupyter: ${message.problem}`))
        } else if (message.kind === "marked") {
          const then = this.#marks.get(message.id)
          this.#marks.delete(message.id)
          then?.()
        } else events.receive(message)
      })
    })
  }

  reply(channel: RequestChannel, identities: readonly Uint8Array[], message: Outgoing): void {
    this.#post({ kind: "reply", channel, identities, message })
  }

  publish(message: Outgoing): void {
    let load = message.content.length
    for (const buffer of message.buffers ?? []) load += buffer.byteLength
    this.#post({ kind: "publish", message, load })
    this.#carry(load)
  }

  stream(name: "stdout" | "stderr", parent: Header | undefined, text: string): void {
    this.#post({ kind: "stream", name, parent, text })
    this.#carry(text.length)
  }

  /** Says which cell it is that output of child processes belongs to from now on. */
  began(parent: Header): void {
    this.#post({ kind: "began", parent })
  }

  /** Says that it has ended, and blocks until what they have written by now was read: of what is in a pipe nobody can tell whose it is. */
  ended(): void {
    if (!this.#hasPipes) return
    Atomics.store(this.#board, Board.drained, 0)
    this.#post({ kind: "ended" })
    Atomics.wait(this.#board, Board.drained, 0, LONGEST_DRAIN_MS)
  }

  /** Calls `then` when every message that has reached the kernel by now was received here. */
  caughtUp(then: () => void): void {
    const id = ++this.#newestMark
    this.#marks.set(id, then)
    this.#post({ kind: "mark", id })
  }

  /** Asks the user; the answer comes as an event. */
  ask(identities: readonly Uint8Array[], message: Outgoing): void {
    this.#post({ kind: "ask", identities, message })
  }

  /** Asks the user and blocks this thread until there is an answer. */
  askAndWait(identities: readonly Uint8Array[], message: Outgoing): Answer {
    const { port1, port2 } = new MessageChannel()
    Atomics.store(this.#board, Board.answered, 0)
    this.#post({ kind: "ask", identities, message, port: port2 }, [port2])
    Atomics.wait(this.#board, Board.answered, 0)
    const answer: Answer | undefined = receiveMessageOnPort(port1)?.message
    port1.close()
    return answer ?? { interrupted: true }
  }

  /** Says that a cell is about to block this thread until a child process has ended. */
  awaitsChild(others: readonly number[]): void {
    this.#post({ kind: "awaits child", others })
  }

  childEnded(): void {
    this.#post({ kind: "child ended" })
  }

  /** For a signal: has the helper thread interrupt what runs here. */
  interrupt(): void {
    this.#post({ kind: "interrupt" })
  }

  /** Says that this thread serves its events, so nothing need be ended by force. False where the interrupt was obeyed before. */
  heardInterrupt({ id, told }: { readonly id: number; readonly told: number }): boolean {
    Atomics.store(this.#board, Board.heard, told)
    return Atomics.load(this.#board, Board.obeyed) < id
  }

  /** Says that this thread serves its events. */
  answerTo(id: number): void {
    Atomics.store(this.#board, Board.answeredTo, id)
  }

  /** Says that what was interrupted has ended. */
  obeyedInterrupt(id: number): void {
    if (Atomics.load(this.#board, Board.obeyed) < id) Atomics.store(this.#board, Board.obeyed, id)
  }

  /** Whether an interrupt was asked for that is not obeyed yet; this thread may have had no time to hear of it. */
  isInterruptAsked(): boolean {
    return Atomics.load(this.#board, Board.asked) > Atomics.load(this.#board, Board.obeyed)
  }

  /** Says that what runs has ended because of that. */
  obeyedAsked(): void {
    this.obeyedInterrupt(Atomics.load(this.#board, Board.asked))
  }

  /** Runs work of the kernel's own, which no interrupt ends half way. It must come to an end, and call no user's code. */
  hold<T>(work: () => T): T {
    if (this.#holds === 0)
      while (Atomics.compareExchange(this.#board, Board.hold, Hold.nobody, Hold.main) !== Hold.nobody)
        Atomics.wait(this.#board, Board.hold, Hold.helper, LONGEST_HOLD_WAIT_MS)
    this.#holds++
    try {
      return work()
    } finally {
      this.#holds--
      if (this.#holds === 0) Atomics.store(this.#board, Board.hold, Hold.nobody)
    }
  }

  /** Whether JavaScript of this thread was terminated since the last call. */
  takeTerminated(): boolean {
    return Atomics.exchange(this.#board, Board.terminated, 0) !== 0
  }

  /** Blocks until everything was sent and the sockets are closed, or `longestMs` have passed. */
  endAndWait(longestMs: number): void {
    this.#post({ kind: "end" })
    Atomics.wait(this.#board, Board.ended, 0, longestMs)
  }

  #post(message: ToThread, transfer: MessagePort[] = []): void {
    this.#worker.postMessage(message, transfer)
  }

  /** Back-pressure: lets a flood of output wait for the sockets in place of filling the memory. */
  #carry(load: number): void {
    let all = Atomics.add(this.#board, Board.load, load) + load
    if (all < MOST_LOAD) return
    const endMs = performance.now() + LONGEST_WAIT_MS
    while (all >= MOST_LOAD && performance.now() < endMs) {
      Atomics.wait(this.#board, Board.load, all, 100)
      all = Atomics.load(this.#board, Board.load)
    }
  }
}
