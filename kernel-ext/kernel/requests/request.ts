import type { KernelComms } from "../comms.ts"
import type { Execution } from "../execution.ts"
import type { History } from "../history.ts"
import type { Publisher } from "../publish.ts"
import type { HelperThread } from "../thread/client.ts"
import type { Interpreter } from "../types.ts"
import type { Message } from "../wire.ts"

/** A request from a client, and what its handler works with. */
export interface Request {
  readonly channel: "shell" | "control"
  readonly message: Message
}

export interface Services {
  readonly helper: HelperThread
  readonly publisher: Publisher
  readonly execution: Execution
  readonly history: History
  readonly comms: KernelComms
  /** Loaded when first asked for. */
  interpreter(): Promise<Interpreter>
}

/** What is sent back; undefined where the request has no reply. */
export interface Reply {
  readonly type: string
  readonly content: Readonly<Record<string, unknown>>
  readonly metadata?: Readonly<Record<string, unknown>>
}

export type Handler = (request: Request, services: Services) => Promise<Reply | undefined> | Reply | undefined

export function sendReply(helper: HelperThread, { channel, message }: Request, reply: Reply): void {
  helper.reply(channel, message.identities, {
    type: reply.type,
    parent: message.header,
    content: JSON.stringify(reply.content),
    ...(reply.metadata === undefined ? {} : { metadata: JSON.stringify(reply.metadata) }),
  })
}

/** Content of a reply to a request that could not be served. */
export function errorContent(error: unknown): Record<string, unknown> {
  const [ename, evalue] = error instanceof Error ? [error.name, error.message] : ["Error", String(error)]
  return { status: "error", ename, evalue, traceback: [`${ename}: ${evalue}`] }
}
