import { CaptureError } from "../../errors.ts"
import type { Codec, Encoded } from "../types.ts"
import { CleanScan } from "./clean.ts"
import { deserializeRaw, serializeRaw } from "./raw.ts"

export function createCodec(): Codec {
  return {
    encode(value, path) {
      const scan = new CleanScan({ apart: false })
      if (!scan.check(value)) throw new CaptureError(`\`${path}\` cannot be sent`, { path: [path] })
      return serializeRaw(0, value, scan.buffers)
    },
    decode: (encoded: Encoded) => deserializeRaw(encoded).value,
    encodeEach(values, pathOf) {
      const scan = new CleanScan({ apart: true })
      values.forEach((value, index) => {
        if (!scan.check(value))
          throw new CaptureError(`\`${pathOf(index)}\` cannot be sent`, { path: [pathOf(index)] })
      })
      return serializeRaw(0, values, scan.buffers)
    },
    decodeEach: (encoded: Encoded) => deserializeRaw(encoded).value as unknown[],
  }
}
