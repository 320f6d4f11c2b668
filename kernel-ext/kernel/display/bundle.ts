import { inspect } from "node:util"
import type { DisplayBundle } from "../types.ts"

/** How a value looks as the result of a cell. */
export async function toBundle(value: unknown): Promise<DisplayBundle> {
  return { data: { "text/plain": typeof value === "string" ? value : inspect(value) } }
}
