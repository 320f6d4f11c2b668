import { createHash } from "node:crypto"
import { createCodec } from "../capture/codec/codec.ts"
import { Known } from "../capture/codec/known.ts"
import { ResultResolver } from "../capture/functions/result-resolver.ts"
import { resultWriter } from "../capture/load/results.ts"
import type { Codec, Encoded } from "../capture/types.ts"

/**
 * Values in bytes that are the same on every machine and in every version of Node: for hashes, and for results that are kept.
 * Takes data only; a function or an instance of a class of the notebook is refused with a CaptureError.
 */
export const dataCodec: Codec = createCodec(
  resultWriter(new Known(), false),
  new ResultResolver(new Known(), false),
  { portable: true },
)

/** Values hashed together; more of them at once would only need more memory. */
const together = 1024

/**
 * A hash of values in their order, as 32 hex digits: equal values, equal hash.
 *
 * @param codec For what is not data: functions among inputs, say. Its bytes depend on the version of V8.
 */
export function hashOfValues(values: readonly unknown[], codec: Codec): string {
  const hash = createHash("sha256")
  for (let from = 0; from < values.length; from += together) {
    const { bytes, blobs } = encoded(values.slice(from, from + together), codec)
    hash.update(bytes)
    for (const blob of blobs) hash.update(blob)
  }
  return hash.digest("hex").slice(0, 32)
}

function encoded(values: readonly unknown[], codec: Codec): Encoded {
  const pathOf = () => "value"
  try {
    return dataCodec.encodeEach(values, pathOf)
  } catch {
    return codec.encodeEach(values, pathOf)
  }
}
