import { createHash } from "node:crypto"
import { acorn } from "../capture/acorn.ts"
import type { Captured, Encoded } from "../capture/types.ts"
import type { ResolvedJobOptions } from "../config/schema.ts"
import { dataCodec, hashOfValues } from "./fingerprint.ts"
import { hashOfLock } from "./manifest.ts"
import type { ResultStore } from "./result-store.ts"

/** Counts up when keys or files change their meaning: what was kept before is not found any more. */
const formatVersion = 1

export interface CacheSpec {
  readonly fn: CallableFunction
  readonly captured: Captured
  readonly extraArgs: Encoded | undefined
  readonly options: Pick<ResolvedJobOptions, "seed" | "env">
}

/**
 * Results kept from earlier jobs, by all that they depend on: the function's code and captured values, its input, extra
 * arguments and environment, the lockfile, and for a function that takes the context also seed and index. A function that
 * reads the clock or a file depends on more than that, and is not one to keep results of.
 */
export class ResultCache {
  readonly #store: ResultStore
  readonly #captured: Captured
  readonly #common: string
  readonly #byIndex: boolean

  constructor(store: ResultStore, { fn, captured, extraArgs, options }: CacheSpec) {
    const { shipment } = captured
    const { seed, env } = options
    this.#store = store
    this.#captured = captured
    this.#byIndex = takesContext(fn)
    this.#common = JSON.stringify([
      formatVersion,
      shipment.hash,
      hashOfLock(shipment.resolveFrom),
      Object.entries(env).sort(([a], [b]) => (a < b ? -1 : 1)),
      extraArgs === undefined ? null : hashOfBytes(extraArgs),
      this.#byIndex ? seed : null,
    ])
  }

  /** Undefined where the result is not known. Never rejects: what cannot be read is computed again. */
  async recall(index: number, input: unknown): Promise<{ readonly value: unknown } | undefined> {
    try {
      const bytes = await this.#store.get(this.#keyOf(index, input))
      return bytes === undefined ? undefined : { value: dataCodec.decode(unpack(bytes)) }
    } catch {
      return undefined
    }
  }

  /** Keeps a result; one that is no data, or finds no room, is computed again next time. */
  remember(index: number, input: unknown, value: unknown): void {
    try {
      const packed = pack(dataCodec.encode(value, "result"))
      this.#store.put(this.#keyOf(index, input), packed).catch(() => {})
    } catch {
      // A function, an instance of a class of the notebook.
    }
  }

  #keyOf(index: number, input: unknown): string {
    return createHash("sha256")
      .update(this.#common)
      .update(hashOfValues([input], this.#captured.codec))
      .update(this.#byIndex ? String(index) : "")
      .digest("hex")
  }
}

/** Whether a function can see its task's context. In doubt it does: then results are found again at the same index only. */
export function takesContext(fn: CallableFunction): boolean {
  const text = Function.prototype.toString.call(fn)
  if (fn.length > 1 || /\barguments\b/.test(text)) return true
  try {
    const node = acorn().parseExpressionAt(text, 0, {
      ecmaVersion: "latest",
      allowAwaitOutsideFunction: true,
    })
    if (node.type !== "ArrowFunctionExpression" && node.type !== "FunctionExpression") return true
    return node.params.length > 1 || node.params.some(({ type }) => type === "RestElement")
  } catch {
    return true
  }
}

function hashOfBytes({ bytes, blobs }: Encoded): string {
  const hash = createHash("sha256").update(bytes)
  for (const blob of blobs) hash.update(blob)
  return hash.digest("hex")
}

/** u32 number of parts, f64 length of each, the parts. */
function pack({ bytes, blobs }: Encoded): Uint8Array {
  const parts = [bytes, ...blobs]
  const head = Buffer.alloc(4 + 8 * parts.length)
  head.writeUInt32LE(parts.length)
  for (const [i, part] of parts.entries()) head.writeDoubleLE(part.byteLength, 4 + 8 * i)
  return Buffer.concat([head, ...parts])
}

/** @throws RangeError for a file that was cut. */
function unpack(packed: Uint8Array): Encoded {
  const view = Buffer.from(packed.buffer, packed.byteOffset, packed.byteLength)
  const count = view.readUInt32LE()
  let at = 4 + 8 * count
  const parts = Array.from({ length: count }, (_, i) => {
    const end = at + view.readDoubleLE(4 + 8 * i)
    if (!(end <= packed.byteLength)) throw new RangeError("The file of a result is cut off")
    // Memory of its own: typed arrays over it need the alignment.
    const part = Uint8Array.prototype.slice.call(packed, at, end)
    at = end
    return part
  })
  const [bytes, ...blobs] = parts
  if (bytes === undefined) throw new RangeError("The file of a result holds none")
  return { bytes, blobs }
}
