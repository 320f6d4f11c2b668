import { kernelInfo } from "./kernel-info.ts"
import { later } from "./later.ts"
import { log } from "./log.ts"
import { ContentError } from "./requests/content.ts"
import { abortedReply, CellCounter, execute } from "./requests/execute.ts"
import { searchHistory } from "./requests/history.ts"
import { complete, inspect, isComplete } from "./requests/introspect.ts"
import {
  errorContent,
  type Handler,
  type Reply,
  type Request,
  type Services,
  sendReply,
} from "./requests/request.ts"
import { Work } from "./requests/work.ts"

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

export class RequestHandler {
  readonly #services: Services
  readonly #counter = new CellCounter()
  #queue: Request[] = []
  /** The first of the queue, which the others wait for. */
  #serving: Work | undefined
  readonly #beside = new Set<Work>()

  constructor(services: Services) {
    this.#services = services
  }

  receive(request: Request): void {
    if (isUrgent(request) && !isExecute(request)) void this.#serveBeside(new Work(request))
    else {
      this.#queue.push(request)
      void this.#serveQueue()
    }
  }

  /** The cell that is being served and those behind it, for the end of the process: they get a reply still. */
  abandon(reply: (request: Request) => void): void {
    if (this.#serving !== undefined && !this.#serving.isAnswered) reply(this.#serving.request)
    for (const request of this.#queue) if (isExecute(request)) this.#abort(request)
    this.#queue = []
  }

  /**
   * To be called, by an event, after JavaScript was terminated: where the work at a request went with it (a cell may have put its
   * own in place of what the kernel calls), the request is answered with an error and those behind it are served.
   */
  recover(): void {
    for (const work of [...this.#beside, this.#serving]) {
      if (!work?.isLost) continue
      this.#beside.delete(work)
      if (this.#serving === work) {
        this.#serving = undefined
        later(() => void this.#serveQueue())
      }
      this.#fail(work, new Error("An interrupt ended the kernel's work at this request half way"))
      this.#services.publisher.status(work.request.message.header, "idle")
    }
  }

  async #serveQueue(): Promise<void> {
    while (this.#serving === undefined) {
      const request = this.#queue.shift()
      if (request === undefined) return
      const work = new Work(request)
      this.#serving = work
      await this.#serve(work)
      if (this.#serving === work) this.#serving = undefined
    }
  }

  async #serveBeside(work: Work): Promise<void> {
    this.#beside.add(work)
    await this.#serve(work)
    if (!this.#beside.delete(work)) return
    // Clients show the newest status as the kernel's: say again that a cell is running.
    const main = this.#serving?.request.message.header
    if (main !== undefined) this.#services.publisher.status(main, "busy")
  }

  async #serve(work: Work): Promise<void> {
    const { publisher } = this.#services
    const { header } = work.request.message
    let aborted: readonly Request[] = []
    publisher.status(header, "busy")
    try {
      if (isExecute(work.request)) {
        const executed = await execute(work, this.#services, this.#counter)
        // Before the reply: what the client sends when it has the reply is to be run.
        if (executed.abortQueued) aborted = await this.#takeQueuedCells(work)
        this.#answer(work, executed.reply)
      } else {
        const handler = handlers.get(header.msg_type)
        if (handler === undefined) log(`Unknown message type: ${header.msg_type}`)
        const reply = await handler?.(work.request, this.#services)
        if (reply !== undefined) this.#answer(work, reply)
      }
    } catch (error) {
      this.#fail(work, error)
    }
    publisher.status(header, "idle")
    for (const cell of aborted) this.#abort(cell)
  }

  /** All cells that have been sent by now, also those that are still on their way to this thread. */
  async #takeQueuedCells(work: Work): Promise<readonly Request[]> {
    await work.event<void>((come) => this.#services.helper.caughtUp(come))
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

  #answer(work: Work, reply: Reply): void {
    if (work.isAnswered) return
    sendReply(this.#services.helper, work.request, reply)
    work.isAnswered = true
  }

  /** A request that is wrong in itself, or the kernel that failed at it: said to the client, and to whoever reads the log. */
  #fail(work: Work, error: unknown): void {
    const { header } = work.request.message
    log(`${header.msg_type} failed: ${describe(error)}`)
    if (work.isAnswered || !header.msg_type.endsWith("_request")) return
    const content = errorContent(error)
    if (isExecute(work.request)) {
      const { status: _, ...shown } = content
      this.#services.publisher.publish(header, "error", shown)
    }
    this.#answer(work, { type: header.msg_type.replace(/request$/, "reply"), content })
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
