import { kernelInfo } from "./kernel-info.ts"
import { later } from "./later.ts"
import { log } from "./log.ts"
import { ContentError } from "./requests/content.ts"
import { abortedReply, CellCounter, execute } from "./requests/execute.ts"
import { searchHistory } from "./requests/history.ts"
import { complete, inspect, isComplete } from "./requests/introspect.ts"
import { errorContent, type Handler, type Request, type Services, sendReply } from "./requests/request.ts"

/**
 * Serves requests as ipykernel does: one after the other, each between a "busy" and an "idle" of its own. Comm messages do not
 * wait: they are served while a cell runs. The helper thread has answered what must not wait for this thread at all.
 */

const comm: Handler = ({ message }, { comms }) => {
  comms.receive(message)
  return undefined
}

/** A map and not an object: types come from outside, and "constructor" is none of ours. */
const handlers: ReadonlyMap<string, Handler> = new Map(
  Object.entries<Handler>({
    kernel_info_request: () => ({ type: "kernel_info_reply", content: kernelInfo }),
    complete_request: complete,
    inspect_request: inspect,
    is_complete_request: isComplete,
    history_request: searchHistory,
    comm_info_request: ({ message }, { comms }) => {
      const target = message.content.target_name
      const listed = comms.list(typeof target === "string" && target !== "" ? target : undefined)
      return { type: "comm_info_reply", content: { status: "ok", comms: listed } }
    },
    comm_open: comm,
    comm_msg: comm,
    comm_close: comm,
  }),
)

/** Requests that do not wait for the cell that runs. A page that is reloaded meanwhile asks for kernel_info first of all. */
function isUrgent({ channel, message }: Request): boolean {
  const type = message.header.msg_type
  return type.startsWith("comm_") || type === "kernel_info_request" || channel === "control"
}

/** How long after a termination a request may still be worked at before it counts as lost. */
const LOST_AFTER_MS = 500

export class RequestHandler {
  readonly #services: Services
  readonly #counter = new CellCounter()
  #queue: Request[] = []
  #serving: Request | undefined
  /** Requests that were given up; should their code go on after all, it answers no more. */
  readonly #lost = new WeakSet<Request>()
  #recoveries = 0

  constructor(services: Services) {
    this.#services = services
  }

  receive(request: Request): void {
    const isCell = request.message.header.msg_type === "execute_request"
    if (isUrgent(request) && !isCell) void this.#serveBeside(request)
    else {
      this.#queue.push(request)
      void this.#serveQueue()
    }
  }

  /** The cell that is being served and those behind it, for the end of the process: they get a reply still. */
  abandon(reply: (request: Request) => void): void {
    if (this.#serving !== undefined) reply(this.#serving)
    for (const request of this.#queue) if (isExecute(request)) this.#abort(request)
    this.#queue = []
  }

  /**
   * To be called after JavaScript was terminated: where the code that served a request went with it (a cell may have put its
   * own in place of what the kernel calls), the request is answered with an error and those behind it are served.
   */
  recover(): void {
    const request = this.#serving
    if (request === undefined) return
    const giveUp = () => {
      if (this.#serving !== request || this.#services.execution.isBusy) return
      this.#lost.add(request)
      this.#serving = undefined
      later(() => void this.#serveQueue())
      this.#fail(request, new Error("An interrupt ended the kernel's work at this request half way"))
      this.#services.publisher.status(request.message.header, "idle")
    }
    // Each time another duration; execution.ts says why.
    setTimeout(giveUp, LOST_AFTER_MS + (this.#recoveries++ % 97))
  }

  async #serveQueue(): Promise<void> {
    if (this.#serving !== undefined) return
    for (;;) {
      const request = this.#queue.shift()
      this.#serving = request
      if (request === undefined) return
      const aborted = await this.#serve(request)
      if (this.#lost.has(request)) return
      for (const cell of aborted) this.#abort(cell)
    }
  }

  async #serveBeside(request: Request): Promise<void> {
    await this.#serve(request)
    // Clients show the newest status as the kernel's: say again that a cell is running.
    if (this.#serving !== undefined) this.#services.publisher.status(this.#serving.message.header, "busy")
  }

  /** Returns the cells that are to be aborted because this one failed. */
  async #serve(request: Request): Promise<readonly Request[]> {
    const { publisher, helper } = this.#services
    const { header } = request.message
    let aborted: readonly Request[] = []
    publisher.status(header, "busy")
    try {
      if (isExecute(request)) {
        const executed = await execute(request, this.#services, this.#counter)
        // Before the reply: what the client sends when it has the reply is to be run.
        if (executed.abortQueued) aborted = await this.#takeQueuedCells()
        if (this.#lost.has(request)) return []
        sendReply(helper, request, executed.reply)
      } else {
        const handler = handlers.get(header.msg_type)
        if (handler === undefined) log(`Unknown message type: ${header.msg_type}`)
        const reply = await handler?.(request, this.#services)
        if (this.#lost.has(request)) return []
        if (reply !== undefined) sendReply(helper, request, reply)
      }
    } catch (error) {
      if (this.#lost.has(request)) return []
      this.#fail(request, error)
    }
    publisher.status(header, "idle")
    return aborted
  }

  /** All cells that have been sent by now, also those that are still on their way to this thread. */
  async #takeQueuedCells(): Promise<readonly Request[]> {
    await this.#services.helper.caughtUp()
    const cells = this.#queue.filter(isExecute)
    this.#queue = this.#queue.filter((queued) => !isExecute(queued))
    return cells
  }

  #abort(request: Request): void {
    const { publisher, helper } = this.#services
    publisher.status(request.message.header, "busy")
    sendReply(helper, request, abortedReply)
    publisher.status(request.message.header, "idle")
  }

  /** A request that is wrong in itself, or the kernel that failed at it: said to the client, and to whoever reads the log. */
  #fail(request: Request, error: unknown): void {
    const type = request.message.header.msg_type
    log(`${type} failed: ${describe(error)}`)
    if (!type.endsWith("_request")) return
    const content = errorContent(error)
    if (isExecute(request)) {
      const { status: _, ...shown } = content
      this.#services.publisher.publish(request.message.header, "error", shown)
    }
    sendReply(this.#services.helper, request, { type: type.replace(/request$/, "reply"), content })
  }
}

function isExecute({ message }: Request): boolean {
  return message.header.msg_type === "execute_request"
}

/** With its stack, unless it is the request that was wrong. */
function describe(error: unknown): string {
  if (error instanceof ContentError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
