import { type Kernel, KernelMessage } from "@jupyterlab/services"
import type { JSONObject } from "@lumino/coreutils"
import { commTarget, type ViewCommand, type ViewOpen } from "../../../kernel-ext/protocol/job-view.ts"
import { toBytes } from "../model/bytes.ts"

export interface CommHandlers {
  message(data: unknown, buffers: readonly Uint8Array[]): void
  closed(): void
  /** Another process answers where this one's did: somebody else restarted the kernel. */
  replaced(): void
}

/**
 * A comm to a kernel by messages of its own. JupyterLab's comms are there on one connection a kernel only, which has to be the
 * notebook's: on a second one, as a console beside it has, there are none, and if there were it would close what widgets open.
 */
export class ViewComm {
  readonly #kernel: Kernel.IKernelConnection
  readonly #id = crypto.randomUUID?.() ?? `cellfan-${Math.random().toString(36).slice(2)}`
  readonly #handlers: CommHandlers
  #process: string | undefined
  #open = false

  constructor(kernel: Kernel.IKernelConnection, handlers: CommHandlers) {
    this.#kernel = kernel
    this.#handlers = handlers
  }

  open(data: ViewOpen): void {
    this.#open = true
    this.#kernel.iopubMessage.connect(this.#onMessage, this)
    this.#post("comm_open", {
      comm_id: this.#id,
      target_name: commTarget,
      data: data as unknown as JSONObject,
    })
  }

  send(command: ViewCommand): void {
    if (this.#open) this.#post("comm_msg", { comm_id: this.#id, data: command as unknown as JSONObject })
  }

  /** `tell`: the kernel is there to hear it. */
  close({ tell }: { tell: boolean }): void {
    if (!this.#open) return
    if (tell) this.#post("comm_close", { comm_id: this.#id, data: {} })
    this.#end()
  }

  #end(): void {
    this.#open = false
    this.#kernel.iopubMessage.disconnect(this.#onMessage, this)
  }

  #post(
    msgType: "comm_open" | "comm_msg" | "comm_close",
    content: JSONObject & { comm_id: string; data: JSONObject },
  ): void {
    const kernel = this.#kernel
    if (kernel.isDisposed || kernel.status === "dead") return
    const { clientId: session, username } = kernel
    const message = KernelMessage.createMessage<KernelMessage.ICommMsgMsg<"shell">>({
      // Of the three kinds the types of JupyterLab take one at a time.
      msgType: msgType as "comm_msg",
      channel: "shell",
      session,
      username,
      content,
    })
    kernel.sendShellMessage(message, false, true)
  }

  #onMessage(_: unknown, message: KernelMessage.IIOPubMessage): void {
    const { header } = message
    // The server itself says "restarting" and "dead".
    if (header.msg_type !== "status") this.#process ??= header.session
    if (header.msg_type !== "status" && this.#process !== header.session) {
      this.#end()
      this.#handlers.replaced()
      return
    }
    if (KernelMessage.isCommMsgMsg(message)) {
      const { comm_id, data } = message.content
      if (comm_id === this.#id) this.#handlers.message(data, (message.buffers ?? []).map(toBytes))
    } else if (KernelMessage.isCommCloseMsg(message) && message.content.comm_id === this.#id) {
      this.#end()
      this.#handlers.closed()
    }
  }
}
