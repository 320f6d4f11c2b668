import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"

/** What a script pays for `import "cellfan"`, beside what Node's own start takes. Part of `npm run bench`. */

const library = fileURLToPath(new URL("../../dist/index.js", import.meta.url))
const rounds = 15

const programs = {
  "node alone": "",
  'node, import "cellfan"': `await import(${JSON.stringify(library)})`,
}

function run(code: string): number {
  const begin = performance.now()
  const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    encoding: "utf8",
  })
  if (status !== 0) throw new Error(`The program ended with ${status}: ${stderr}`)
  return performance.now() - begin
}

const times = Object.values(programs).map((): number[] => [])
// They take turns, so that whatever else the machine does falls on both.
for (let round = 0; round <= rounds; round++)
  Object.values(programs).forEach((code, i) => {
    const ms = run(code)
    if (round > 0) times[i]?.push(ms)
  })
const [bare = 0, ours = 0] = times.map((all) => all.sort((a, b) => a - b)[rounds >> 1] ?? Number.NaN)

console.log("| start of a script | ms | × |")
console.log("|---|---|---|")
console.log(`| node alone | ${bare.toFixed(0)} | 1 |`)
console.log(`| node, import "cellfan" | ${ours.toFixed(0)} | ${(ours / bare).toFixed(2)} |`)
console.log(`| the import itself | ${(ours - bare).toFixed(0)} | |`)
console.log("")
