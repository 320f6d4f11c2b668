import { randomUUID } from "node:crypto"
import { inspect, types } from "node:util"
import { currentCell } from "../current-cell.ts"
import type { DisplayBundle } from "../types.ts"
import { elementData } from "./element.ts"
import { imageData } from "./image.ts"
import { cut } from "./size.ts"
import { tableData } from "./table.ts"

/**
 * How the value of a cell looks: by its own `Symbol.for("Jupyter.display")` method, or by what it is. image, element
 * and table are kinds of value; size names sizes and cuts text; tslab is the way of its display API.
 */

const MAX_TEXT_LENGTH = 100_000

type Data = Record<string, unknown>

/**
 * Undefined where there is nothing to show. `describeError` writes an error with its stack on the cells' lines.
 */
export async function toBundle(
  value: unknown,
  describeError: (error: Error) => string,
): Promise<DisplayBundle | undefined> {
  const isPromise = types.isPromise(value) && !(display in value)
  if (isPromise) return await promiseBundle(value, describeError)
  const data = await dataOf(value, describeError)
  return data && { data }
}

const display = Symbol.for("Jupyter.display")

async function dataOf(value: unknown, describeError: (error: Error) => string): Promise<Data | undefined> {
  if (typeof value === "string") return { "text/plain": cut(value, MAX_TEXT_LENGTH) }
  if ((typeof value !== "object" && typeof value !== "function") || value === null) return inspected(value)
  const method = (value as { [display]?: unknown })[display]
  if (typeof method === "function") return bundleFrom(await method.call(value), value)
  if (types.isNativeError(value)) return { "text/plain": describeError(value) }
  if (value instanceof Blob && /^image\//.test(value.type)) {
    return imageData(new Uint8Array(await value.arrayBuffer())) ?? inspected(value)
  }
  return specialData(value) ?? inspected(value)
}

function specialData(value: object): Data | undefined {
  if (value instanceof Uint8Array) return imageData(value)
  return Array.isArray(value) ? tableData(value) : elementData(value)
}

/** A display method may leave out the text that every front end can show; an empty object shows nothing at all. */
function bundleFrom(returned: unknown, value: unknown): Data | undefined {
  if (typeof returned !== "object" || returned === null) {
    throw new TypeError(
      `A Symbol.for("Jupyter.display") method returns an object of MIME types and their data, and this one returned ${inspect(returned)}`,
    )
  }
  const entries = Object.entries(returned).filter(([, content]) => content !== undefined)
  if (entries.length === 0) return undefined
  const data = Object.fromEntries(entries.map(([type, content]) => [type, contentOf(type, content)]))
  return "text/plain" in data ? data : { ...data, ...inspected(value) }
}

/** Notebooks can hold text, bytes as base64, and any JSON where the type says that it is such. */
function contentOf(type: string, content: unknown): unknown {
  if (content instanceof Uint8Array) return Buffer.from(content).toString("base64")
  if (typeof content === "string" || /^application\/(?:.*\+)?json$/.test(type)) return content
  if (Array.isArray(content) && content.every((line) => typeof line === "string")) return content
  throw new TypeError(
    `A Symbol.for("Jupyter.display") method gives text or bytes as ${type}, and this one gave ${inspect(content)}`,
  )
}

function inspected(value: unknown): Data {
  const text = inspect(value, { depth: 4, maxArrayLength: 100, maxStringLength: 10_000, breakLength: 100 })
  return { "text/plain": cut(text, MAX_TEXT_LENGTH) }
}

/**
 * A promise does not hold the cell up. What it shows is replaced when it settles; that also counts as looking at its
 * failure, which is shown in its place.
 */
async function promiseBundle(
  promise: Promise<unknown>,
  describeError: (error: Error) => string,
): Promise<DisplayBundle> {
  const settled = promise.then(
    async (value) => {
      const data = (await dataOf(value, describeError)) ?? inspected(value)
      return { ...data, "text/plain": `Promise { ${data["text/plain"]} }` }
    },
    (reason) => {
      const text = types.isNativeError(reason) ? describeError(reason) : inspect(reason)
      return { "text/plain": `Promise { <rejected> ${text} }` }
    },
  )
  const known = await Promise.race([
    settled,
    new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined))),
  ])
  if (known !== undefined) return { data: known }
  const displayId = randomUUID()
  const output = currentCell()?.output
  settled.then(
    (data) => output?.updateDisplayData({ data, displayId }),
    // A display method failed; the promise stays as it was shown.
    () => {},
  )
  return { data: { "text/plain": "Promise { <pending> }" }, displayId }
}
