import { StorageError } from "../../errors.ts"
import type { InvocationEvent } from "../../protocol/invocation.ts"
import type { Answer } from "../serverless/answer.ts"
import type { CallEnd, FunctionSize } from "../serverless/platform.ts"
import { deathOf, tell } from "./errors.ts"
import type { LambdaClient, LambdaSdk } from "./sdk.ts"

export interface CallSpec {
  readonly client: LambdaClient
  readonly sdk: LambdaSdk
  readonly functionName: string
  readonly size: FunctionSize
  readonly event: InvocationEvent
  readonly answer: Answer
  readonly signal: AbortSignal
  /** Whether the function answers in parts. */
  readonly streams: boolean
  /** For messages. */
  readonly region: string
  readonly endpoint: string | undefined
}

/** One call of a function. */
export async function invoke(spec: CallSpec): Promise<CallEnd> {
  try {
    return await (spec.streams ? streamed(spec) : whole(spec))
  } catch (error) {
    // The answer stands in storage, and cannot be read.
    if (error instanceof StorageError) throw error
    const { region, endpoint, functionName } = spec
    throw tell(error, { doing: `call ${functionName}`, region, endpoint })
  }
}

async function whole(spec: CallSpec): Promise<CallEnd> {
  const { client, sdk, answer, signal } = spec
  const command = new sdk.InvokeCommand(requestOf(spec))
  const { Payload, FunctionError, LogResult } = await client.send(command, { abortSignal: signal })
  const logTail = decodeLog(LogResult)
  const text = Payload === undefined ? "" : Buffer.from(Payload).toString("utf8")
  if (FunctionError !== undefined) return died(text, logTail, spec)
  answer.billedMs = billedMs(logTail)
  await answer.pushJson(text)
  return answer.ended()
}

async function streamed(spec: CallSpec): Promise<CallEnd> {
  const { client, sdk, answer, signal } = spec
  const command = new sdk.InvokeWithResponseStreamCommand(requestOf(spec))
  const { EventStream = [] } = await client.send(command, { abortSignal: signal })
  for await (const { PayloadChunk, InvokeComplete } of EventStream) {
    if (PayloadChunk?.Payload !== undefined) answer.push(PayloadChunk.Payload)
    if (InvokeComplete === undefined) continue
    const { ErrorCode, ErrorDetails, LogResult } = InvokeComplete
    if (ErrorCode === undefined) break
    const payload = JSON.stringify({ errorType: ErrorCode, errorMessage: ErrorDetails })
    return died(payload, decodeLog(LogResult), spec)
  }
  return answer.ended()
}

function requestOf({ functionName, event }: CallSpec) {
  return {
    FunctionName: functionName,
    LogType: "Tail" as const,
    Payload: Buffer.from(JSON.stringify(event)),
  }
}

function died(payload: string, logTail: string, { size }: CallSpec): CallEnd {
  return { kind: "died", death: deathOf(payload, logTail, size), billedMs: billedMs(logTail) ?? 0 }
}

function decodeLog(base64: string | undefined): string {
  return base64 === undefined ? "" : Buffer.from(base64, "base64").toString("utf8")
}

/** As Lambda's own line at the end of the log says it. */
function billedMs(logTail: string): number | undefined {
  const found = /Billed Duration: (\d+) ms/.exec(logTail)?.[1]
  return found === undefined ? undefined : Number(found)
}
