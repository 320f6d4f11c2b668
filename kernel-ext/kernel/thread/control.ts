import { type Connection, socketNames } from "../connection.ts"

/** Contents of replies that need nothing from the main thread. */

export function connectReply(connection: Connection): string {
  const ports = socketNames.map((name) => [`${name}_port`, connection.ports[name]])
  return JSON.stringify({ status: "ok", ...Object.fromEntries(ports) })
}

/** An answer of the Debug Adapter Protocol: there is no debugger here. */
export function answerDebug(request: Readonly<Record<string, unknown>>): string {
  const { seq, command } = request
  return JSON.stringify({
    type: "response",
    request_seq: typeof seq === "number" ? seq : 0,
    success: false,
    command: typeof command === "string" ? command : "",
    message: "The cellfan kernel has no debugger (kernel_info says so with debugger: false)",
  })
}

/**
 * Subshells (JEP 91) would run cells beside one another. Cells share one thread and one event loop, where whatever runs beside a
 * loop waits for it all the same, and no variable of one is apart from the other's; kernel_info names no such feature.
 */
export const noSubshells = JSON.stringify({
  status: "error",
  ename: "NotSupportedError",
  evalue: "The cellfan kernel has no subshells (kernel_info lists no such feature)",
  traceback: [],
})
