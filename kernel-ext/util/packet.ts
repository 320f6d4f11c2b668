/**
 * Messages of peers that are not trusted, in bytes: JSON for what has structure, raw bytes for what is binary. Reading them
 * runs no code and takes no more memory than they are long.
 *
 *     u32 JSON length │ JSON: [[message, length of each of its parts, …], …] │ parts, raw
 */

export interface Packed<M> {
  readonly message: M
  readonly parts: readonly Uint8Array[]
}

const lengthBytes = 4

export function encodePacket(messages: readonly Packed<unknown>[]): Uint8Array {
  const json = Buffer.from(
    JSON.stringify(messages.map(({ message, parts }) => [message, ...parts.map((part) => part.byteLength)])),
  )
  const head = Buffer.allocUnsafe(lengthBytes)
  head.writeUInt32LE(json.length, 0)
  return Buffer.concat([head, json, ...messages.flatMap(({ parts }) => parts)])
}

/**
 * @param parse Gives undefined for what is no message.
 * @throws where the bytes are no packet of such messages.
 */
export function decodePacket<M>(bytes: Uint8Array, parse: (value: unknown) => M | undefined): Packed<M>[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (buffer.length < lengthBytes) throw new RangeError("a message that is cut off")
  const jsonEnd = lengthBytes + buffer.readUInt32LE(0)
  if (jsonEnd > buffer.length) throw new RangeError("a message that is cut off")
  const list: unknown = JSON.parse(buffer.toString("utf8", lengthBytes, jsonEnd))
  let at = jsonEnd
  const take = (length: unknown): Uint8Array => {
    if (!Number.isInteger(length) || (length as number) < 0 || at + (length as number) > buffer.length)
      throw new RangeError("a message that names more bytes than it has")
    // Memory of its own: typed arrays over it need the alignment.
    const part = new Uint8Array(buffer.subarray(at, at + (length as number)))
    at += length as number
    return part
  }
  if (!Array.isArray(list)) throw new TypeError("a packet without messages")
  return list.map((entry: unknown) => {
    if (!Array.isArray(entry)) throw new TypeError("a packet without messages")
    const [value, ...lengths] = entry
    const message = parse(value)
    if (message === undefined) throw new TypeError("an unknown message")
    return { message, parts: lengths.map(take) }
  })
}
