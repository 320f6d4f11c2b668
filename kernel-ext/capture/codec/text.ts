import type { Encoded } from "../types.ts"

/**
 * A few short strings, numbers and the like, as JSON: setting up V8's serializer takes longer than all the rest of such a
 * message, and one task of one number is what a loop of calls sends.
 */

const mostValues = 16
const longestText = 1024

/** Tasks may put their own functions in place of these. */
const { stringify, parse } = JSON

const firstByte = "[".charCodeAt(0)

export function isTextForm(bytes: Uint8Array): boolean {
  return bytes[0] === firstByte
}

/** Undefined where this form does not keep the values, or is not worth it. */
export function writeText(values: readonly unknown[]): Encoded | undefined {
  if (values.length > mostValues || "toJSON" in values || !values.every(isKept)) return undefined
  return { bytes: Buffer.from(stringify(values)), blobs: [] }
}

export function readText({ bytes }: Encoded): unknown[] {
  const values: unknown = parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString())
  if (!Array.isArray(values)) throw new RangeError("A list of values was expected")
  return values
}

function isKept(value: unknown): boolean {
  switch (typeof value) {
    case "string":
      return value.length <= longestText
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0)
    case "boolean":
      return true
    default:
      return value === null
  }
}
