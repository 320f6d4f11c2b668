import type { Kernel } from "@jupyterlab/services"
import {
  parseViewMessage,
  type ViewCommand,
  type ViewMessage,
  type ViewOpen,
} from "../../../kernel-ext/protocol/job-view.ts"
import { type KernelSession, kernelOf } from "./session.ts"
import { ViewComm } from "./view-comm.ts"

/**
 * A comm to the kernel that is there now, opened from this side: after a page reload, a restart or another kernel, it is
 * opened again in the same way.
 */

export interface ChannelHandlers {
  /** A new comm: what the kernel said on an earlier one no longer counts. */
  opened(send: (command: ViewCommand) => void): void
  received(message: ViewMessage, buffers: readonly Uint8Array[]): void
  /** The kernel went, or never knew of such comms. */
  lost(): void
}

const deadStatuses: ReadonlySet<Kernel.Status> = new Set([
  "restarting",
  "autorestarting",
  "terminating",
  "dead",
])

export class KernelChannel {
  readonly #session: KernelSession
  readonly #open: ViewOpen
  readonly #handlers: ChannelHandlers
  #comm: ViewComm | undefined
  #kernel: Kernel.IKernelConnection | undefined
  #disposed = false

  constructor(session: KernelSession, open: ViewOpen, handlers: ChannelHandlers) {
    this.#session = session
    this.#open = open
    this.#handlers = handlers
    session.kernelChanged.connect(this.#onKernelChanged, this)
    session.statusChanged.connect(this.#onStatus, this)
    session.connectionStatusChanged.connect(this.#onConnection, this)
    void this.#connect()
  }

  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#session.kernelChanged.disconnect(this.#onKernelChanged, this)
    this.#session.statusChanged.disconnect(this.#onStatus, this)
    this.#session.connectionStatusChanged.disconnect(this.#onConnection, this)
    this.#drop(true)
  }

  async #connect(): Promise<void> {
    const kernel = kernelOf(this.#session)
    if (!kernel || kernel === this.#kernel || kernel.isDisposed) return
    this.#kernel = kernel
    try {
      // Any other kernel would log that it knows no such comm.
      if ((await kernel.info).implementation !== "cellfan") return
    } catch {
      return
    }
    // Meanwhile the kernel may have been changed, or this view closed.
    if (this.#disposed || this.#kernel !== kernel || kernel.isDisposed || deadStatuses.has(kernel.status))
      return
    const comm = new ViewComm(kernel, {
      message: (data, buffers) => {
        const parsed = parseViewMessage(data)
        if (parsed !== undefined) this.#handlers.received(parsed, buffers)
      },
      closed: () => {
        this.#comm = undefined
        this.#handlers.lost()
      },
      replaced: () => this.#onKernelChanged(),
    })
    this.#comm = comm
    this.#handlers.opened((command) => comm.send(command))
    comm.open(this.#open)
  }

  #onKernelChanged(): void {
    this.#lose()
    void this.#connect()
  }

  #onStatus(_: unknown, status: Kernel.Status): void {
    if (deadStatuses.has(status)) this.#lose()
    else if (status === "idle" || status === "busy") void this.#connect()
  }

  /** What was sent while the line was down is lost; ask for the present. */
  #onConnection(_: unknown, status: Kernel.ConnectionStatus): void {
    if (status === "connected") this.#comm?.send({ type: "resync" })
  }

  #lose(): void {
    const had = this.#kernel !== undefined
    this.#drop(false)
    if (had) this.#handlers.lost()
  }

  #drop(tell: boolean): void {
    const kernel = this.#kernel
    this.#kernel = undefined
    this.#comm?.close({ tell: tell && kernel !== undefined && !deadStatuses.has(kernel.status) })
    this.#comm = undefined
  }
}
