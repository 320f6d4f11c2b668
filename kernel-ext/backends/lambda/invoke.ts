import { BackendError } from "../../errors.ts"
import type { AnswerBlock, InvocationEnd, InvocationEvent, Said } from "../../protocol/invocation.ts"
import type { ObjectReference } from "../../protocol/storage.ts"
import { BlockReader } from "../../util/blocks.ts"
import { tell } from "./errors.ts"
import type { LambdaClient, LambdaSdk } from "./sdk.ts"

/** One call of the function, and how it ended: as data, for whoever decides what is done about it. */
export type CallEnd =
  | { readonly kind: "answered"; readonly environment: string; readonly end: InvocationEnd }
  /** Lambda says that the instance gave no answer of its own. */
  | { readonly kind: "died"; readonly payload: string; readonly logTail: string; readonly billedMs: number }
  /** There is no answer; whether the tasks ran is not known. */
  | { readonly kind: "failed"; readonly error: BackendError }

export interface CallSpec {
  readonly client: LambdaClient
  readonly sdk: LambdaSdk
  readonly functionName: string
  readonly event: InvocationEvent
  /** For messages. */
  readonly region: string
  readonly endpoint: string | undefined
  /** Whether the function answers in parts. */
  readonly streams: boolean
  readonly signal: AbortSignal
  /** Hears for how long the instance was busy, before it hears of the last tasks. */
  bill(billedMs: number): void
  /** Hears what comes of the tasks. */
  hear(said: Said, environment: string): void
  /** Reads an answer that went by way of storage. */
  fetch(reference: ObjectReference): Promise<Uint8Array>
}

/** An answer that went by way of storage may be as large as storage allows. */
const maxBlockBytes = 2 ** 32 - 1

export async function invoke(spec: CallSpec): Promise<CallEnd> {
  const reader = new Answer(spec)
  try {
    return await (spec.streams ? streamed(spec, reader) : whole(spec, reader))
  } catch (error) {
    const { region, endpoint, functionName } = spec
    return { kind: "failed", error: tell(error, { doing: `call ${functionName}`, region, endpoint }) }
  }
}

async function whole(
  { client, sdk, functionName, event, signal, fetch }: CallSpec,
  answer: Answer,
): Promise<CallEnd> {
  const command = new sdk.InvokeCommand({
    FunctionName: functionName,
    LogType: "Tail",
    Payload: Buffer.from(JSON.stringify(event)),
  })
  const { Payload, FunctionError, LogResult } = await client.send(command, { abortSignal: signal })
  const logTail = decodeLog(LogResult)
  const text = Payload === undefined ? "" : Buffer.from(Payload).toString("utf8")
  if (FunctionError !== undefined) return died(text, logTail)
  const { body, bodyAt } = asAnswer(text)
  answer.billedMs = billedMs(logTail)
  answer.push(body ?? (await fetch(bodyAt as ObjectReference)))
  return answer.ended()
}

async function streamed(
  { client, sdk, functionName, event, signal }: CallSpec,
  answer: Answer,
): Promise<CallEnd> {
  const command = new sdk.InvokeWithResponseStreamCommand({
    FunctionName: functionName,
    LogType: "Tail",
    Payload: Buffer.from(JSON.stringify(event)),
  })
  const { EventStream = [] } = await client.send(command, { abortSignal: signal })
  for await (const { PayloadChunk, InvokeComplete } of EventStream) {
    if (PayloadChunk?.Payload !== undefined) answer.push(PayloadChunk.Payload)
    if (InvokeComplete === undefined) continue
    const { ErrorCode, ErrorDetails, LogResult } = InvokeComplete
    if (ErrorCode === undefined) return answer.ended()
    return died(JSON.stringify({ errorType: ErrorCode, errorMessage: ErrorDetails }), decodeLog(LogResult))
  }
  return answer.ended()
}

/** Gathers an answer from its parts. */
class Answer {
  /** As Lambda says it, where it did so before the answer. */
  billedMs: number | undefined
  readonly #reader: BlockReader
  #end: InvocationEnd | undefined
  #environment = "aws_lambda"

  constructor({ hear, bill }: CallSpec) {
    this.#reader = new BlockReader(maxBlockBytes, ({ environment, said, end }: AnswerBlock) => {
      if (end !== undefined) bill(this.billedMs ?? end.durationMs + (end.initMs ?? 0))
      for (const one of said) hear(one, environment)
      this.#environment = environment
      this.#end = end ?? this.#end
    })
  }

  push(bytes: Uint8Array): void {
    this.#reader.push(bytes)
  }

  ended(): CallEnd {
    const end = this.#end
    if (end === undefined || this.#reader.isWithin) throw unreadable("it ended early")
    return { kind: "answered", environment: this.#environment, end }
  }
}

function died(payload: string, logTail: string): CallEnd {
  return { kind: "died", payload, logTail, billedMs: billedMs(logTail) ?? 0 }
}

function asAnswer(text: string): { body?: Uint8Array; bodyAt?: ObjectReference } {
  let answer: { cellfan?: unknown; body?: unknown; bodyAt?: { bucket?: unknown; key?: unknown } } | null
  try {
    answer = JSON.parse(text)
  } catch {
    throw unreadable(text.slice(0, 200))
  }
  if (answer?.cellfan === 1 && typeof answer.body === "string")
    return { body: Buffer.from(answer.body, "base64") }
  const { bucket, key } = answer?.bodyAt ?? {}
  if (typeof bucket !== "string" || typeof key !== "string") throw unreadable(text.slice(0, 200))
  return { bodyAt: { backend: "", bucket, key } }
}

function unreadable(what: string): BackendError {
  return new BackendError(`Lambda gave an answer that is none of cellfan's worker: ${what}.`, {
    backend: "aws_lambda",
    kind: "network",
    retryable: true,
  })
}

function decodeLog(base64: string | undefined): string {
  return base64 === undefined ? "" : Buffer.from(base64, "base64").toString("utf8")
}

/** As Lambda's own line at the end of the log says it. */
function billedMs(logTail: string): number | undefined {
  const found = /Billed Duration: (\d+) ms/.exec(logTail)?.[1]
  return found === undefined ? undefined : Number(found)
}
