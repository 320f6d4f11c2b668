import type { InvocationEvent, StoredObject } from "../../protocol/invocation.ts"
import type { Sending, ToWorker } from "../../protocol/worker.ts"
import { StorageClient } from "../../storage/storage.ts"
import { FrameReader } from "../../util/frames.ts"

/** The messages that a call brought. */
export async function readEvent({ cellfan, body, bodyAt }: InvocationEvent): Promise<Sending[]> {
  if (cellfan !== 1) throw new TypeError("This function runs tasks of cellfan, version 1 of its calls.")
  if (body !== undefined) return sendingsIn(Buffer.from(body, "base64"))
  if (bodyAt !== undefined) return sendingsIn(await fetchObject(bodyAt))
  throw new TypeError("The call has no body.")
}

export function sendingsIn(bytes: Uint8Array): Sending[] {
  const sendings: Sending[] = []
  const reader = new FrameReader((head, parts) => sendings.push({ message: head as ToWorker, parts }))
  reader.push(bytes)
  return sendings
}

export function fetchObject({ storage, ...reference }: StoredObject): Promise<Uint8Array> {
  return new StorageClient(storage).get(reference)
}
