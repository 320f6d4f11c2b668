import { isOutOfStack } from "../cells/nesting.ts"
import { toCodePoints, toUtf16 } from "../code-points.ts"
import { bundleContent } from "../publish.ts"
import { Content } from "./content.ts"
import type { Handler } from "./request.ts"

/** What is asked about code while it is being typed: complete_request, inspect_request, is_complete_request. */

export const complete: Handler = async ({ message }, services) => {
  const content = new Content("complete_request", message.content)
  const code = content.string("code")
  const offset = toUtf16(code, content.integer("cursor_pos", toCodePoints(code, code.length)))
  const interpreter = await services.interpreter()
  const none = { matches: [], start: offset, end: offset }
  const { matches, start, end } = ifStackSuffices(() => interpreter.complete(code, offset), none)
  const [from, to] = [toCodePoints(code, start), toCodePoints(code, end)]
  const types = matches.map(({ text, type, signature }) => ({
    start: from,
    end: to,
    text,
    type: type ?? "<unknown>",
    signature: signature ?? "",
  }))
  return {
    type: "complete_reply",
    content: {
      status: "ok",
      matches: matches.map(({ text }) => text),
      cursor_start: from,
      cursor_end: to,
      metadata: { _jupyter_types_experimental: types },
    },
  }
}

export const inspect: Handler = async ({ message }, services) => {
  const content = new Content("inspect_request", message.content)
  const code = content.string("code")
  const offset = toUtf16(code, content.integer("cursor_pos", toCodePoints(code, code.length)))
  const detail = content.integer("detail_level", 0) === 1 ? 1 : 0
  const interpreter = await services.interpreter()
  const bundle = ifStackSuffices(() => interpreter.inspect(code, offset, detail), undefined)
  const found = bundle !== undefined
  return {
    type: "inspect_reply",
    content: { status: "ok", found, ...(found ? bundleContent(bundle) : { data: {}, metadata: {} }) },
  }
}

export const isComplete: Handler = async ({ message }, services) => {
  const code = new Content("is_complete_request", message.content).string("code")
  const interpreter = await services.interpreter()
  const completeness = ifStackSuffices(() => interpreter.isComplete(code), { status: "unknown" })
  return { type: "is_complete_reply", content: { ...completeness } }
}

/** Of code that is nested too deeply to be read nothing is known. */
function ifStackSuffices<T>(ask: () => T, otherwise: T): T {
  try {
    return ask()
  } catch (error) {
    if (isOutOfStack(error)) return otherwise
    throw error
  }
}
