/** Parts of a message, which may come from anywhere, as what they must be. */

export function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new TypeError("The message has something else where a list should be")
  return value
}

export function text(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("The message has something else where text should be")
  return value
}

export function number(value: unknown): number {
  if (typeof value !== "number")
    throw new TypeError("The message has something else where a number should be")
  return value
}

export function integer(value: unknown): number {
  if (!Number.isInteger(value) || (value as number) < 0) {
    throw new TypeError("The message has something else where a whole number should be")
  }
  return value as number
}

export function bytes(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array))
    throw new TypeError("The message has something else where bytes should be")
  return value
}
