import type { History, HistoryEntry } from "../history.ts"
import { Content, ContentError } from "./content.ts"
import type { Handler } from "./request.ts"

/** history_request. What is typed is what is kept, so `raw` makes no difference. */
export const searchHistory: Handler = ({ message }, { history }) => {
  const content = new Content("history_request", message.content)
  const withOutput = content.boolean("output", false)
  const entries = find(history, content).map(({ session, line, input, output }) => [
    session,
    line,
    withOutput ? [input, output ?? null] : input,
  ])
  return { type: "history_reply", content: { status: "ok", history: entries } }
}

function find(history: History, content: Content): HistoryEntry[] {
  const access = content.string("hist_access_type", "tail")
  switch (access) {
    case "tail":
      return history.tail(content.integer("n", 10))
    case "range":
      return history.range(
        content.integer("session", 0),
        content.integer("start", 1),
        content.optionalInteger("stop"),
      )
    case "search":
      return history.search(content.string("pattern", "*"), {
        n: content.optionalInteger("n"),
        unique: content.boolean("unique", false),
      })
    default:
      throw new ContentError(
        `"hist_access_type" of history_request is "${access}"; it takes "tail", "range" or "search"`,
      )
  }
}
