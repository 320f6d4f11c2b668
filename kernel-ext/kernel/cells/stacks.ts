import { isOurFile, mappedPosition } from "./frames.ts"
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
    const frames = withoutKernel(sites, scripts).map(
      (site) => `\n    at ${isOurs(site) ? mapped(site, scripts) : site}`,
    )
    return `${headOf(error)}${frames.join("")}`
  }
  Error.prepareStackTrace = prepare
  return () => {
    Error.stackTraceLimit = limitBefore
    if (Error.prepareStackTrace === prepare) Error.prepareStackTrace = before as typeof prepare
  }
}

/** Ends where the kernel called the cell, and passes over what is the kernel's below the user's first frame. */
function withoutKernel(sites: readonly NodeJS.CallSite[], scripts: Scripts): readonly NodeJS.CallSite[] {
  const isUsers = (site: NodeJS.CallSite) => scripts.isScript(site.getFileName() ?? "")
  const first = sites.findIndex(isUsers)
  const wrapper = sites.findIndex((site) => isUsers(site) && positionOf(site, scripts) === undefined)
  const shown = wrapper === -1 ? sites : sites.slice(0, wrapper)
  return shown.filter((site, index) => index < first || !isOurFile(site.getFileName() ?? ""))
}

function positionOf(site: NodeJS.CallSite, scripts: Scripts): string | undefined {
  const [line, column] = [site.getLineNumber() ?? 1, site.getColumnNumber() ?? 1]
  return mappedPosition(scripts, site.getFileName() ?? "", line, column - 1)
}

function mapped(site: NodeJS.CallSite, scripts: Scripts): string {
  const file = site.getFileName() ?? ""
  const place = positionOf(site, scripts)
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
