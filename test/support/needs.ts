import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import type { Context } from "mocha"

/**
 * Skips the test, saying why, where the machine lacks something it needs; fails it instead where CELLFAN_TEST_ALL is 1.
 *
 *     before(function () { chromium = need(this, "Chromium (apt-get install chromium)", findChromium()) })
 */
export function need<T>(context: Context, what: string, found: T | undefined): T {
  if (found !== undefined) return found
  if (process.env.CELLFAN_TEST_ALL === "1") throw new Error(`CELLFAN_TEST_ALL is 1 and ${what} is missing`)
  console.log(
    `Skipped, ${what} is missing: ${context.test?.parent?.fullTitle() ?? context.test?.fullTitle()}`,
  )
  return context.skip()
}

/** Path of a program by one of its names; undefined where the path has none. */
export function findProgram(...names: readonly string[]): string | undefined {
  for (const name of names) {
    try {
      const found = execFileSync(process.platform === "win32" ? "where" : "which", [name], {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      })
      const [path] = found.split("\n")
      if (path) return path.trim()
    } catch {
      // Not under this name.
    }
  }
  return undefined
}

/** A Chromium or Chrome that playwright-core can drive: $CELLFAN_CHROMIUM, or one of the system's. */
export function findChromium(): string | undefined {
  const named = process.env.CELLFAN_CHROMIUM
  if (named !== undefined) return existsSync(named) ? named : undefined
  return findProgram("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
}
