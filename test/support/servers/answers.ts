import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http"
import { createServer as createSecureServer } from "node:https"
import type { AddressInfo } from "node:net"
import type { Server } from "./server-process.ts"

/** A server whose answers a test gives, one after the other; the last one is given again. */
export interface Answers extends Server {
  readonly asked: {
    readonly method: string
    readonly url: string
    readonly headers: IncomingMessage["headers"]
  }[]
  answers: readonly GivenAnswer[]
}

export type GivenAnswer =
  | { readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> }
  | "reset"
  | "silence"

export async function startAnswers(certificate?: { key: string; cert: string }): Promise<Answers> {
  let given: GivenAnswer[] = []
  let last: GivenAnswer = { status: 200, body: "{}" }
  const asked: Answers["asked"] = []
  const listener: RequestListener = (request: IncomingMessage, response: ServerResponse) => {
    const { method = "", url = "", headers } = request
    asked.push({ method, url, headers })
    last = given.shift() ?? last
    if (last === "reset") request.socket.destroy()
    else if (last !== "silence") {
      const headers = { "content-type": "application/json", ...last.headers }
      response.writeHead(last.status, headers).end(last.body)
    }
  }
  const server =
    certificate === undefined ? createServer(listener) : createSecureServer(certificate, listener)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const scheme = certificate === undefined ? "http" : "https"
  return {
    url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    set answers(answers: readonly GivenAnswer[]) {
      given = [...answers]
    },
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
