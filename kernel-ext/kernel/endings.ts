import { currentCell } from "./current-cell.ts"
import type { Execution } from "./execution.ts"
import type { RequestHandler } from "./handler.ts"
import { KeyboardInterrupt } from "./keyboard-interrupt.ts"
import type { Publisher } from "./publish.ts"
import { sendReply } from "./requests/request.ts"
import type { HelperThread } from "./thread/client.ts"
import type { Interpreter } from "./types.ts"

/** Errors that nobody caught, which end no kernel, and the end of the process, which no client has to guess. */

/** The sockets may take this long to send what is left. */
const LONGEST_END_MS = 2000

/** Shows errors of timers, events and promises in the cell they belong to. */
export function showUncaught(
  execution: Execution,
  publisher: Publisher,
  interpreter: () => Interpreter | undefined,
): void {
  const show = (what: string, thrown: unknown) => {
    // Code of an interrupted cell that nobody waits for any more.
    if (thrown instanceof KeyboardInterrupt) return
    const lines = interpreter()?.explain(thrown).traceback ?? [
      thrown instanceof Error ? thrown.stack : thrown,
    ]
    const parent = execution.requestOf(currentCell())?.message.header
    publisher.stream(parent, "stderr", `${what}\n${lines.join("\n")}\n`)
  }
  process.on("uncaughtException", (error) => show("Uncaught error outside of the cell's own run:", error))
  process.on("unhandledRejection", (reason) => show("Unhandled rejection of a promise:", reason))
}

/** When the process ends, whoever ends it: the running cell gets an error that says so, and its client a reply. */
export function announceEnd(
  helper: HelperThread,
  handler: RequestHandler,
  publisher: Publisher,
  isShutdown: () => boolean,
): void {
  process.on("exit", (code) => {
    publisher.ended()
    handler.abandon((request) => {
      const { header } = request.message
      const evalue = isShutdown() ? "The kernel was shut down" : `process.exit(${code}) ended the kernel`
      const error = { ename: "KernelExit", evalue, traceback: [`\u001b[31mKernelExit\u001b[39m: ${evalue}`] }
      if (header.msg_type === "execute_request") {
        publisher.publish(header, "error", error)
        const content = { status: "error", ...error, user_expressions: {}, payload: [] }
        sendReply(helper, request, { type: "execute_reply", content })
      }
      publisher.status(header, "idle")
    })
    helper.endAndWait(LONGEST_END_MS)
  })
}
