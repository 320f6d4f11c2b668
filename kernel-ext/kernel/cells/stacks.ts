import { mappedPosition } from "./frames.ts"
import type { Scripts } from "./scripts.ts"

/** V8's ten would end within ours where capture has gone deep, and the cell that called would not be told. */
const FRAMES_KEPT = 50

/**
 * Makes `error.stack` itself tell positions in cells as typed, for code that prints or sends stacks. Stacks without a
 * cell in them go to whoever formatted stacks before, or look as V8 makes them.
 */
export function mapStacksOf(scripts: Scripts): () => void {
  const before = Error.prepareStackTrace
  const limitBefore = Error.stackTraceLimit
  Error.stackTraceLimit = Math.max(limitBefore, FRAMES_KEPT)
  const prepare: typeof Error.prepareStackTrace = (error, sites) => {
    const isOurs = (site: NodeJS.CallSite) => scripts.isScript(site.getFileName() ?? "")
    if (before !== undefined && !sites.some(isOurs)) return before(error, sites)
    const frames = sites.map((site) => `\n    at ${isOurs(site) ? mapped(site, scripts) : site}`)
    return `${headOf(error)}${frames.join("")}`
  }
  Error.prepareStackTrace = prepare
  return () => {
    Error.stackTraceLimit = limitBefore
    if (Error.prepareStackTrace === prepare) Error.prepareStackTrace = before as typeof prepare
  }
}

function mapped(site: NodeJS.CallSite, scripts: Scripts): string {
  const file = site.getFileName() ?? ""
  const place = mappedPosition(scripts, file, site.getLineNumber() ?? 1, (site.getColumnNumber() ?? 1) - 1)
  const text = String(site)
  const position = `${file}:${site.getLineNumber()}:${site.getColumnNumber()}`
  return place === undefined ? text : text.replace(position, place)
}

function headOf(error: Error): string {
  try {
    return Error.prototype.toString.call(error)
  } catch {
    return "Error"
  }
}
