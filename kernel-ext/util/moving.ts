/** From this size on memory is moved to another thread; below, copying costs less. */
const moveFromBytes = 4096

/**
 * Parts of a message for another thread of this process.
 *
 * @param own whether the memory is nobody else's from now on. Other memory is copied, once, and the copy moved.
 */
export function movable(
  parts: readonly Uint8Array[],
  own: (part: Uint8Array) => boolean,
): { readonly sent: Uint8Array[]; readonly moved: ArrayBuffer[] } {
  const moved = new Set<ArrayBuffer>()
  const sent = parts.map((part) => {
    const { buffer, byteLength } = part
    if (buffer instanceof SharedArrayBuffer) return part
    const isWhole = byteLength === buffer.byteLength
    if (byteLength < moveFromBytes) return isWhole ? part : part.slice()
    const one = isWhole && own(part) ? part : new Uint8Array(part)
    moved.add(one.buffer as ArrayBuffer)
    return one
  })
  return { sent, moved: [...moved] }
}
