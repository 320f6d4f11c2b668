import type { CellRequest } from "../execution.ts"
import { bundleContent } from "../publish.ts"
import type { CellError, CellOutcome, DisplayBundle, Interpreter } from "../types.ts"
import { Content } from "./content.ts"
import { pageOf } from "./page.ts"
import type { Reply, Request, Services } from "./request.ts"
import type { Work } from "./work.ts"

/** execute_request. Cells are counted here: `In [n]`. */

interface Order {
  readonly code: string
  readonly silent: boolean
  readonly storeHistory: boolean
  readonly userExpressions: Readonly<Record<string, string>>
  readonly stopOnError: boolean
  readonly request: CellRequest
}

/** What follows from a cell's end for the requests behind it. */
export interface Executed {
  readonly reply: Reply
  readonly abortQueued: boolean
}

export class CellCounter {
  next = 1
}

export async function execute(work: Work, services: Services, counter: CellCounter): Promise<Executed> {
  const { request } = work
  const order = readOrder(request)
  const startedAt = new Date().toISOString()
  const { header } = request.message
  const count = counter.next
  const { code, silent, storeHistory } = order
  if (!silent) services.publisher.publish(header, "execute_input", { code, execution_count: count })
  // As in IPython, nothing typed is nothing run: it gets no number.
  const stored = storeHistory && !silent && code.trim() !== ""
  if (stored) services.history.add(count, code)
  const interpreter = await services.interpreter()
  const page = pageOf(code, interpreter)
  const outcome =
    page === undefined
      ? await work.event<CellOutcome>((come) => {
          const options = { executionCount: count, silent }
          services.execution.run(interpreter, code, order.request, options, come)
        })
      : page.outcome
  if (stored) counter.next++
  const shown = counter.next - 1
  if (outcome.status === "error") showError(order, services, outcome.error)
  else showResult(order, services, outcome.bundle, { count: shown, stored })
  const content =
    outcome.status === "error"
      ? { ...errorOf(outcome.error), user_expressions: {}, payload: [] }
      : {
          status: "ok",
          user_expressions: await evaluate(order, work, services, interpreter, shown),
          payload: page?.payload ?? [],
        }
  return {
    reply: {
      type: "execute_reply",
      content: { ...content, execution_count: shown },
      metadata: { started: startedAt, dependencies_met: true, status: outcome.status },
    },
    abortQueued: outcome.status === "error" && !silent && order.stopOnError,
  }
}

/** The reply to a cell that is not run because one before it failed. */
export const abortedReply: Reply = {
  type: "execute_reply",
  content: { status: "aborted" },
  metadata: { status: "aborted", dependencies_met: true },
}

function readOrder({ message }: Request): Order {
  const content = new Content("execute_request", message.content)
  const silent = content.boolean("silent", false)
  return {
    code: content.string("code"),
    silent,
    storeHistory: content.boolean("store_history", !silent),
    userExpressions: content.strings("user_expressions"),
    stopOnError: content.boolean("stop_on_error", true),
    request: { message, allowStdin: content.boolean("allow_stdin", false) },
  }
}

function showResult(
  order: Order,
  { publisher, history }: Services,
  bundle: DisplayBundle | undefined,
  { count, stored }: { readonly count: number; readonly stored: boolean },
): void {
  if (bundle === undefined || order.silent) return
  const { header } = order.request.message
  try {
    // Of a promise that has yet to settle: front ends replace what was displayed, and no result.
    if (bundle.displayId !== undefined) publisher.outputOf(header).displayData(bundle)
    else publisher.publish(header, "execute_result", { ...bundleContent(bundle), execution_count: count })
  } catch (error) {
    publisher.stream(header, "stderr", `The result cannot be shown, it is not JSON: ${String(error)}\n`)
  }
  const text = bundle.data["text/plain"]
  if (stored && typeof text === "string") history.addOutput(count, text)
}

function showError(order: Order, { publisher }: Services, error: CellError): void {
  const { ename, evalue, traceback } = errorOf(error)
  publisher.publish(order.request.message.header, "error", { ename, evalue, traceback })
}

function errorOf({ name, message, traceback }: CellError) {
  return { status: "error", ename: name, evalue: message, traceback }
}

/** Evaluates `user_expressions`; each has its own outcome, and none fails the cell. */
async function evaluate(
  order: Order,
  work: Work,
  { execution }: Services,
  interpreter: Interpreter,
  executionCount: number,
): Promise<Record<string, unknown>> {
  const results: Record<string, unknown> = {}
  for (const [name, expression] of Object.entries(order.userExpressions)) {
    const options = { executionCount, silent: true }
    const outcome = await work.event<CellOutcome>((come) =>
      execution.run(interpreter, expression, order.request, options, come),
    )
    results[name] = expressionResult(outcome)
  }
  return results
}

function expressionResult(outcome: CellOutcome): Record<string, unknown> {
  if (outcome.status === "error") return errorOf(outcome.error)
  const bundle = outcome.bundle ?? { data: { "text/plain": "undefined" } }
  return { status: "ok", ...bundleContent(bundle) }
}
