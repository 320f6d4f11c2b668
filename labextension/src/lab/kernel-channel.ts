import type { ISessionContext } from "@jupyterlab/apputils"
import type { Kernel, KernelMessage } from "@jupyterlab/services"
import type { JSONObject } from "@lumino/coreutils"
import {
  commTarget,
  parseViewMessage,
  type ViewCommand,
  type ViewMessage,
  type ViewOpen,
} from "../../../kernel-ext/protocol/job-view.ts"
import { toBytes } from "../model/bytes.ts"

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
  readonly #context: ISessionContext
  readonly #open: ViewOpen
  readonly #handlers: ChannelHandlers
  #comm: Kernel.IComm | undefined
  #kernel: Kernel.IKernelConnection | undefined
  #disposed = false

  constructor(context: ISessionContext, open: ViewOpen, handlers: ChannelHandlers) {
    this.#context = context
    this.#open = open
    this.#handlers = handlers
    context.kernelChanged.connect(this.#onKernelChanged, this)
    context.statusChanged.connect(this.#onStatus, this)
    context.connectionStatusChanged.connect(this.#onConnection, this)
    void this.#connect()
  }

  dispose(): void {
    if (this.#disposed) return
    this.#disposed = true
    this.#context.kernelChanged.disconnect(this.#onKernelChanged, this)
    this.#context.statusChanged.disconnect(this.#onStatus, this)
    this.#context.connectionStatusChanged.disconnect(this.#onConnection, this)
    this.#drop(true)
  }

  async #connect(): Promise<void> {
    const kernel = this.#context.session?.kernel
    if (!kernel || kernel === this.#kernel || !kernel.handleComms || kernel.isDisposed) return
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
    const comm = kernel.createComm(commTarget)
    this.#comm = comm
    comm.onMsg = (message) => this.#onMessage(comm, message)
    comm.onClose = () => {
      if (this.#comm !== comm) return
      this.#comm = undefined
      this.#handlers.lost()
    }
    this.#handlers.opened((command) => {
      if (!comm.isDisposed && !kernel.isDisposed) comm.send(command as unknown as JSONObject)
    })
    comm.open(this.#open as unknown as JSONObject)
  }

  #onMessage(comm: Kernel.IComm, message: KernelMessage.ICommMsgMsg): void {
    if (this.#comm !== comm) return
    const parsed = parseViewMessage(message.content.data)
    if (parsed !== undefined) this.#handlers.received(parsed, (message.buffers ?? []).map(toBytes))
  }

  #onKernelChanged(): void {
    this.#lose()
    void this.#connect()
  }

  #onStatus(_: ISessionContext, status: Kernel.Status): void {
    if (deadStatuses.has(status)) this.#lose()
    else if (status === "idle" || status === "busy") void this.#connect()
  }

  /** What was sent while the line was down is lost; ask for the present. */
  #onConnection(_: ISessionContext, status: Kernel.ConnectionStatus): void {
    const comm = this.#comm
    if (status === "connected" && comm !== undefined && !comm.isDisposed) comm.send({ type: "resync" })
  }

  #lose(): void {
    const had = this.#kernel !== undefined
    this.#drop(false)
    if (had) this.#handlers.lost()
  }

  #drop(tell: boolean): void {
    const comm = this.#comm
    const kernel = this.#kernel
    this.#comm = undefined
    this.#kernel = undefined
    if (comm === undefined || comm.isDisposed) return
    comm.onMsg = () => {}
    comm.onClose = () => {}
    if (tell && kernel !== undefined && !kernel.isDisposed && !deadStatuses.has(kernel.status)) comm.close()
    else comm.dispose()
  }
}
