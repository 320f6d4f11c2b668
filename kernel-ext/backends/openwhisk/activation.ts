import { setTimeout as sleep } from "node:timers/promises"
import { BackendError } from "../../errors.ts"
import type { InvocationEvent } from "../../protocol/invocation.ts"
import type { Answer } from "../serverless/answer.ts"
import type { CallEnd, FunctionSize } from "../serverless/platform.ts"
import type { WhiskClient } from "./client.ts"
import { deathOf } from "./errors.ts"

/**
 * One call of an action. OpenWhisk answers with the record of the activation; where that takes longer than a minute, with its id, and the
 * record is asked for until it is there.
 */

/** As far as it is used here. */
interface Activation {
  readonly activationId?: string
  readonly duration?: number
  readonly response?: { readonly status?: string; readonly success?: boolean; readonly result?: unknown }
}

export interface ActivationSpec {
  readonly client: WhiskClient
  readonly action: string
  readonly size: FunctionSize
  readonly event: InvocationEvent
  readonly answer: Answer
  readonly signal: AbortSignal
}

/** How often a record is asked for that is not there: at first, and then less and less often. */
const askAfterMs = 200
const askAtMostAfterMs = 2000

/** Beyond an action's longest time: for the queue before it, its start, and the database behind it. */
const recordMarginMs = 120_000

export async function activate(spec: ActivationSpec): Promise<CallEnd> {
  const activation = await invoke(spec)
  const { answer, size } = spec
  const { response, duration = 0 } = activation
  if (response?.success) {
    answer.billedMs = duration
    await answer.pushJson(JSON.stringify(response.result))
    return answer.ended()
  }
  const error = errorIn(activation)
  if (response?.status === "whisk internal error") throw internal(spec, activation, error)
  return { kind: "died", death: deathOf(error, size), billedMs: duration }
}

async function invoke(spec: ActivationSpec): Promise<Activation> {
  const { client, action, event, signal } = spec
  // Activations that failed are told of by these, with their record.
  const question = { doing: `call ${action}`, expected: [500, 502], tries: 1, signal }
  const { refusal, value } = await client.ask<Activation>(question, ({ actions }, around) =>
    actions.invoke({ name: action, blocking: true, params: event, ...around }),
  )
  if (value?.response !== undefined) return value
  if (refusal === undefined && value?.activationId !== undefined) return record(spec, value.activationId)
  throw internal(spec, value, errorIn(value))
}

/** The record of an activation that goes on, once it has ended. */
async function record(spec: ActivationSpec, id: string): Promise<Activation> {
  const { client, action, size, signal } = spec
  const question = { doing: `tell what became of a call of ${action}`, expected: [404], signal }
  const end = performance.now() + size.timeoutMs + recordMarginMs
  for (let waitMs = askAfterMs; performance.now() < end; waitMs = Math.min(askAtMostAfterMs, waitMs * 1.3)) {
    await sleep(waitMs, undefined, { signal })
    const { value } = await client.ask<Activation>(question, ({ activations }, around) =>
      activations.get({ name: id, ...around }),
    )
    if (value?.response !== undefined) return value
  }
  throw internal(spec, { activationId: id }, "there is no record of the activation")
}

function errorIn(activation: Activation | undefined): string {
  const { result } = activation?.response ?? {}
  const { error } = (result ?? activation ?? {}) as { error?: unknown }
  return typeof error === "string"
    ? error
    : error === undefined
      ? "it does not say why"
      : JSON.stringify(error)
}

function internal(
  { client: { service }, action }: ActivationSpec,
  { activationId }: Activation = {},
  what: string,
): BackendError {
  const words = activationId === undefined ? "" : ` (activation ${activationId})`
  return new BackendError(`OpenWhisk in ${service.place} could not call ${action}: ${what}${words}.`, {
    ...{ backend: "openwhisk", kind: "unavailable", retryable: true, requestId: activationId },
  })
}
