import type {
  AnswerBlock,
  BufferedAnswer,
  InvocationEnd,
  InvocationEvent,
} from "../../protocol/invocation.ts"
import { StorageClient } from "../../storage/storage.ts"
import { encodeBlock } from "../../util/blocks.ts"

/** The answer of a call as one JSON value of at most `maxBytes`; where it is larger it goes to storage, if it can. */
export async function bufferedAnswer(
  block: AnswerBlock & { readonly end: InvocationEnd },
  { answerAt }: InvocationEvent,
  maxBytes: number,
): Promise<BufferedAnswer> {
  const bytes = encodeBlock(block)
  // {"cellfan":1,"body":""} and a little more
  const jsonBytes = 64 + Math.ceil(bytes.length / 3) * 4
  if (jsonBytes <= maxBytes) return inline(bytes)
  try {
    if (answerAt === undefined) throw new Error("No storage is configured for larger ones.")
    const { key, storage } = answerAt
    const { backend, bucket } = await new StorageClient(storage).put(key, bytes)
    return { cellfan: 1, bodyAt: { backend, bucket, key } }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    const outcome = { kind: "tooLarge", sizeBytes: bytes.length, problem } as const
    return inline(encodeBlock({ ...block, said: [], end: { ...block.end, outcome } }))
  }
}

function inline(bytes: Uint8Array): BufferedAnswer {
  return {
    cellfan: 1,
    body: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64"),
  }
}
