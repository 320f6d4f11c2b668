/** Compressed objects: their bytes have no lines, and none of their parts can be unpacked by itself. */

const endings = /\.(gz|tgz|bz2|xz|zst|zip|7z|lz4|br|z)$/i

/** Beginnings that no text has: each is no UTF-8. */
const beginnings: readonly (readonly number[])[] = [
  [0x1f, 0x8b],
  [0x28, 0xb5, 0x2f, 0xfd],
  [0xfd, 0x37, 0x7a, 0x58, 0x5a],
]

const advice =
  "take it whole, without `newline`, and unpack it in the task, as in zlib.gunzipSync(await part.bytes()); or store it unpacked"

/** @throws TypeError before anything runs, where a name says that there are no lines to cut at. */
export function refuseCompressedName(source: string): void {
  const [ending] = endings.exec(source.replace(/[?#].*$/s, "")) ?? []
  if (ending === undefined) return
  throw new TypeError(
    `${source} ends with ${ending} and so is compressed, which leaves no lines to cut at: ${advice}.`,
  )
}

/** @throws TypeError where what begins an object, and is about to be read as a text, is none. */
export async function* refusingCompressed(
  stream: AsyncIterable<Uint8Array>,
  source: string,
): AsyncGenerator<Uint8Array> {
  let isFirst = true
  for await (const chunk of stream) {
    if (isFirst && beginnings.some((begin) => begin.every((byte, at) => chunk[at] === byte)))
      throw new TypeError(`${source} is compressed, and no text: ${advice}.`)
    isFirst = false
    yield chunk
  }
}
