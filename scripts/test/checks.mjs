import { join } from "node:path"
import { root, tsc } from "../util/paths.mjs"
import { show } from "../util/run.mjs"

const inPackage = (...parts) => join(root, "node_modules", ...parts)

/** In CI biome would colour what goes into a file. */
const colours = process.stdout.isTTY ? "--colors=force" : "--colors=off"

/** What is checked without running anything. The import rules are a test: here they run alone. */
const checks = [
  [
    "Format and lint",
    [inPackage("@biomejs", "biome", "bin", "biome"), "ci", colours, "--log-level=warn", "."],
  ],
  ["Types of kernel-ext and test", [tsc, "-p", "."]],
  ["Types of test/browser", [tsc, "-p", "test/browser"]],
  ["Types of labextension", [tsc, "-p", "labextension", "--noEmit"]],
  [
    "Import rules",
    [
      inPackage("mocha", "bin", "mocha.js"),
      "--import=tsx",
      "--reporter=dot",
      "test/repository/imports.test.ts",
    ],
  ],
]

/** Runs all checks; true where none failed. */
export async function check() {
  const failed = []
  for (const [title, args] of checks) {
    const beganMs = Date.now()
    const code = await show(process.execPath, args)
    console.log(`${code === 0 ? "✔" : "✘"} ${title} (${((Date.now() - beganMs) / 1000).toFixed(1)} s)`)
    if (code !== 0) failed.push(title)
  }
  if (failed.length > 0) console.log(`\nFailed: ${failed.join(", ")}.`)
  return failed.length === 0
}
