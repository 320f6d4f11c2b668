import type { MessagePort } from "node:worker_threads"
import type { Connection } from "../connection.ts"
import type { Descriptors } from "../descriptors.ts"
import type { RequestChannel } from "../server.ts"
import type { Header, Message, Outgoing } from "../wire.ts"

/** What the two threads of the kernel say to each other. Order is kept in both directions. */

export interface ThreadData {
  readonly connection: Connection
  readonly board: SharedArrayBuffer
  /** What kernel_info_reply says; the thread answers for the main thread while a cell keeps that busy. */
  readonly kernelInfo: string
  /** Folders of the kernel's own code and of the compiler, which an interrupt must not end half way; see rescue.ts. */
  readonly ownFolders: readonly string[]
  /** Pipes in place of standard output and error, where there are such. */
  readonly descriptors: Descriptors | undefined
  /** Process that the kernel must not outlive; undefined where nobody named one. */
  readonly parentPid: number | undefined
}

/** Main thread → helper thread. */
export type ToThread =
  | {
      readonly kind: "reply"
      readonly channel: RequestChannel
      readonly identities: readonly Uint8Array[]
      readonly message: Outgoing
    }
  | { readonly kind: "publish"; readonly message: Outgoing; readonly load: number }
  | {
      readonly kind: "stream"
      readonly name: "stdout" | "stderr"
      readonly parent: Header | undefined
      readonly text: string
    }
  /** A cell begins: what is written without going through `stream` is its. */
  | { readonly kind: "began"; readonly parent: Header }
  /** It has ended, and what has been written by now is its still. The main thread waits for `drained` on the board. */
  | { readonly kind: "ended" }
  /** Asks for "marked" once everything that has arrived so far was handed on. */
  | { readonly kind: "mark"; readonly id: number }
  /** The main thread asks its user and waits: with `port` it is blocked and reads the answer from there. */
  | {
      readonly kind: "ask"
      readonly identities: readonly Uint8Array[]
      readonly message: Outgoing
      readonly port?: MessagePort
    }
  /** A cell blocks this thread until a child process has ended; it is none of `others`. */
  | { readonly kind: "awaits child"; readonly others: readonly number[] }
  | { readonly kind: "child ended" }
  /** A signal has come that asks for an interrupt. */
  | { readonly kind: "interrupt" }
  /** The process is about to end: send what is left, close, then set the board's `ended`. */
  | { readonly kind: "end" }

/** Helper thread → main thread. */
export type ToMain =
  | { readonly kind: "listening"; readonly problem: string | undefined }
  | { readonly kind: "request"; readonly channel: "shell" | "control"; readonly message: Message }
  | { readonly kind: "answer"; readonly answer: Answer }
  | { readonly kind: "marked"; readonly id: number }
  /**
   * `told` is to be written on the board as `heard` at once, and `id`, the interrupt's, as `obeyed` when no cell runs; from then
   * on the same interrupt says nothing more. `insist`: end the cell whatever it does.
   */
  | { readonly kind: "interrupt"; readonly id: number; readonly told: number; readonly insist: boolean }
  /** Asks whether it serves its events: `id` is to be written on the board as `answeredTo`. */
  | { readonly kind: "asked"; readonly id: number }
  | { readonly kind: "shutdown"; readonly restart: boolean }

export type Answer = { readonly value: string } | { readonly interrupted: true }

/** Numbers that both threads see at once, also while one of them is blocked. */
export const Board = {
  /** Characters and bytes of output on their way to the sockets. */
  load: 0,
  /** 1 when the helper thread has closed the sockets. */
  ended: 1,
  /** How often the main thread was told of an interrupt and has heard it. */
  heard: 2,
  /** The newest interrupt after which no cell ran any more. */
  obeyed: 3,
  /** 1 when an answer to a blocked question waits in its port. */
  answered: 4,
  /** Not 0 when JavaScript of the main thread was terminated, until that has taken note. */
  terminated: 5,
  /** Who has the main thread's work in hand: see `Hold`. */
  hold: 6,
  /** 1 when what was written to the process's standard output and error before a cell's end has been read. */
  drained: 7,
  /** Number of the newest question whether the main thread serves its events that it has answered. */
  answeredTo: 8,
  /** The newest interrupt that was asked for. */
  asked: 9,
} as const

/** Values of the board's `hold`, a lock between the two threads. */
export const Hold = {
  nobody: 0,
  /** The main thread is in its own code, which must neither end half way nor be looked into. */
  main: 1,
  /** The helper thread is about to end what the main thread does. */
  helper: 2,
} as const

export const BOARD_BYTES = 4 * Object.keys(Board).length
