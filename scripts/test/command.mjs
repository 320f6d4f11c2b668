import { mkdirSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { setUp } from "../setup/everything.mjs"
import { cache, root } from "../util/paths.mjs"
import { show } from "../util/run.mjs"
import { check } from "./checks.mjs"

/**
 * Checks, then runs the tests: all, or the files or folders named after `npm test --`. Where $CELLFAN_TEST_ALL is 1 a
 * test that lacks a server or a browser fails; otherwise it is skipped with a line that says what is missing.
 * Resolves with the exit code.
 */
export async function test(words) {
  await setUp("test")
  const clean = words.length > 0 || (await check())
  const { code, passed, failed, skipped } = await runMocha(words)
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`)
  return clean && code === 0 && passed > 0 ? 0 : 1
}

async function runMocha(words) {
  const tally = join(cache, `tally-${process.pid}.json`)
  mkdirSync(cache, { recursive: true })
  try {
    const code = await show(
      process.execPath,
      [join(root, "node_modules", "mocha", "bin", "mocha.js"), "--forbid-only", ...patterns(words)],
      {
        env: { ...process.env, CELLFAN_TALLY: tally },
      },
    )
    return { code, ...readTally(tally) }
  } finally {
    rmSync(tally, { force: true })
  }
}

function patterns(words) {
  if (words.length === 0) return ["test/**/*.test.ts"]
  return words.map((word) => (word.startsWith("-") || word.endsWith(".ts") ? word : `${word}/**/*.test.ts`))
}

/** A run that ended before its end counts as one failure. */
function readTally(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"))
  } catch {
    return { passed: 0, failed: 1, skipped: 0 }
  }
}
