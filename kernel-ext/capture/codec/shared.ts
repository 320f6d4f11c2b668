import { types } from "node:util"

/** SharedArrayBuffers, which go to threads of this process as themselves. */

const views = new WeakMap<SharedArrayBuffer, Uint8Array>()
const numbers = new WeakMap<ArrayBufferLike, number>()
let count = 0

/** All bytes of it: the same view each time, so that a second capture sees that nothing has changed. */
export function viewOfShared(buffer: SharedArrayBuffer): Uint8Array {
  let view = views.get(buffer)
  if (view === undefined) {
    view = new Uint8Array(buffer)
    views.set(buffer, view)
  }
  return view
}

export function isSharedMemory(buffer: ArrayBufferLike): buffer is SharedArrayBuffer {
  return types.isSharedArrayBuffer(buffer)
}

/** What tells one from another in this process. What it holds changes, and does not count. */
export function numberOfShared(buffer: SharedArrayBuffer): number {
  const known = numbers.get(buffer)
  if (known !== undefined) return known
  numbers.set(buffer, ++count)
  return count
}
