import type { ObjectBody } from "../protocol/storage.ts"
import type { Body } from "./provider.ts"

/** An object's content in one of two forms. */
export function asBody(body: ObjectBody): Body {
  if (typeof body === "string") return { kind: "bytes", bytes: Buffer.from(body) }
  if (body instanceof Uint8Array) return { kind: "bytes", bytes: body }
  if (body instanceof ArrayBuffer) return { kind: "bytes", bytes: new Uint8Array(body) }
  if (ArrayBuffer.isView(body)) {
    const { buffer, byteOffset, byteLength } = body as ArrayBufferView<ArrayBuffer>
    return { kind: "bytes", bytes: new Uint8Array(buffer, byteOffset, byteLength) }
  }
  if (body instanceof Blob)
    return { kind: "stream", stream: checked(body.stream() as unknown as AsyncIterable<unknown>) }
  if (typeof (body as AsyncIterable<unknown> | undefined)?.[Symbol.asyncIterator] === "function")
    return { kind: "stream", stream: checked(body as AsyncIterable<unknown>) }
  throw new TypeError(
    `put takes a text, bytes, a Blob or a stream of bytes, but got ${body === null ? "null" : typeof body}. JSON.stringify makes a text of an object.`,
  )
}

/** A stream of texts would be written as something else by each provider. */
async function* checked(stream: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    if (typeof chunk === "string") yield Buffer.from(chunk)
    else if (chunk instanceof Uint8Array) yield chunk
    else
      throw new TypeError(
        `A stream for put gives bytes, but one chunk is ${chunk === null ? "null" : typeof chunk}.`,
      )
  }
}
