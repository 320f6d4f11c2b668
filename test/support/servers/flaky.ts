import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import type { Server } from "./server-process.ts"

/** A proxy that breaks some of what passes through it, the same of it each time: before the server is asked, or its answer within. */
export interface Flaky extends Server {
  /** How often it broke something, by how. */
  readonly broken: Record<"throttled" | "failed" | "reset" | "cut", number>
}

export async function startFlaky(target: string, share: number): Promise<Flaky> {
  const broken = { throttled: 0, failed: 0, reset: 0, cut: 0 }
  const random = seeded(1)
  const server = createServer((asked, answer) => {
    const fate =
      random() < share
        ? (["throttled", "failed", "reset", "cut"] as const)[Math.floor(random() * 4)]
        : undefined
    if (fate !== undefined) broken[fate]++
    if (fate === "reset") asked.socket.destroy()
    else if (fate === "throttled" || fate === "failed") {
      asked.resume().on("end", () => answer.writeHead(fate === "failed" ? 503 : 429).end())
    } else pass(asked, answer, new URL(asked.url ?? "/", target), fate === "cut")
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    broken,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function pass(asked: IncomingMessage, answer: ServerResponse, url: URL, isCut: boolean): void {
  const { method, headers } = asked
  const onward = request(url, { method, headers: { ...headers, host: url.host } }, (found) => {
    answer.writeHead(found.statusCode ?? 502, found.headers)
    if (!isCut) {
      found.pipe(answer)
      return
    }
    found.once("data", (chunk: Buffer) => {
      answer.write(chunk.subarray(0, chunk.length / 2), () => answer.destroy())
      found.destroy()
    })
    found.once("end", () => answer.destroy())
  })
  onward.on("error", () => answer.destroy())
  asked.pipe(onward)
}

/** Numbers from 0 up to 1, the same in every run. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}
