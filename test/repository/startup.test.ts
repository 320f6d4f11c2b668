import { existsSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { expect } from "chai"

const entry = fileURLToPath(new URL("../../dist/index.js", import.meta.url))

/** A bundle with all that it imports at once; what it imports when needed does not count. */
function loadedBy(file: string, seen = new Map<string, string>()): Map<string, string> {
  if (seen.has(file)) return seen
  const text = readFileSync(file, "utf8")
  seen.set(file, text)
  for (const [, path = ""] of text.matchAll(/(?:^|\})\s*(?:import|from)\s*"(\.{1,2}\/[^"]+)"/gm))
    loadedBy(join(dirname(file), path), seen)
  return seen
}

describe('import "cellfan"', () => {
  before(() => {
    if (!existsSync(entry)) throw new Error(`${entry} is missing: run \`npm run build\` first.`)
  })

  it("reads little, since reading is most of what it takes: no parser, no plots, no languages of zod", () => {
    const files = loadedBy(entry)
    const text = [...files.values()].join("\n")
    expect(files.size).to.be.greaterThan(2)
    for (const name of ["acorn/dist", "observablehq/plot", "linkedom", "zod/v4/locales/fr", "aws-sdk"])
      expect(text, `${name} is loaded at once`).to.not.include(`node_modules/${name}`)
    expect(text.length).to.be.lessThan(700_000)
  })
})
