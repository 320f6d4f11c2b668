import { expect } from "chai"
import { UsageError } from "../../../kernel-ext/errors.ts"
import { callAt, completeMagic } from "../../../kernel-ext/kernel/magics/complete.ts"
import { findLineMagics } from "../../../kernel-ext/kernel/magics/find.ts"
import { inspectMagic } from "../../../kernel-ext/kernel/magics/inspect.ts"
import { parse } from "../../../kernel-ext/kernel/magics/syntax.ts"
import { transformCell, transformUnfinishedCell } from "../../../kernel-ext/kernel/magics/transform.ts"
import type { MagicTransform } from "../../../kernel-ext/kernel/types.ts"
import { notebookWith } from "./notebook.ts"

/** The same numbers at every run: mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const pieces = [
  ..."\n\n\n %%%%()[]{}'\"`$!?=;,/*\\:<>@#ü😀\r\t".split(""),
  ..."%jobs %time %%time %LocalhostExecutor %%LocalhostExecutor %env %cd %nosuch --map --as --into --workers".split(
    " ",
  ),
  ..."--wokers 0 4 urls a b let const x = 1 => async await return import from function if else // /* */ ${ !ls a? ?b".split(
    " ",
  ),
  "%%LocalhostExecutor --map urls --as url --into sizes\nconst n = url.length\nn * 2",
  "%%time\nf()\n",
  "\n%LocalhostExecutor --workers 2\n",
  "const all = %jobs\n",
  "\\\n",
]

const notebook = notebookWith("urls", "a", "b", "x")
const sources = {
  notebook,
  jobIds: () => ["one"],
  interpreter: {
    bindings: { folder: "/", lookup: () => undefined, scripts: () => [] },
    inspect: () => undefined,
    complete: (_: string, offset: number) => ({ matches: [], start: offset, end: offset }),
  },
}

function checkPlaces(typed: string, result: MagicTransform): void {
  expect(result.code.split("\n").length, "lines").to.equal(typed.split("\n").length)
  for (let at = 0; at <= result.code.length; at++)
    expect(result.toTyped(at), `toTyped(${at})`).to.be.within(0, typed.length)
  for (let at = 0; at <= typed.length; at++) {
    const code = result.toCode(at)
    expect(code, `toCode(${at})`).to.be.within(0, result.code.length)
    const isCopy = result.toTyped(code) === at && at < typed.length
    if (isCopy && result.toTyped(code + 1) === at + 1)
      expect(result.code[code], `at ${at}`).to.equal(typed[at])
  }
}

describe("Magics in 2,000 broken cells", function () {
  this.timeout(120_000)

  it("give TypeScript with the same lines or a usage error, and always answers for editors", () => {
    const random = randomFrom(1)
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
    let translated = 0
    let refused = 0
    for (let round = 0; round < 2000; round++) {
      const length = 1 + Math.floor(random() * 12)
      const typed = Array.from({ length }, () => pick(pieces) + (random() < 0.5 ? " " : "")).join("")
      try {
        const result = transformCell(typed, notebook)
        if (result.code !== typed) translated++
        checkPlaces(typed, result)
      } catch (error) {
        if (!(error instanceof UsageError)) throw new Error(`In ${JSON.stringify(typed)}`, { cause: error })
        refused++
      }
      checkPlaces(typed, transformUnfinishedCell(typed, notebook))
      const offset = Math.floor(random() * (typed.length + 1))
      callAt(typed, offset, notebook)
      const completion = completeMagic(typed, offset, sources)
      if (completion !== undefined) {
        expect(completion.start).to.be.within(0, offset)
        expect(completion.end).to.be.within(completion.start, typed.length)
      }
      inspectMagic(typed, offset, sources)
    }
    expect(translated, "cells with magics").to.be.greaterThan(100)
    expect(refused, "usage errors").to.be.greaterThan(100)
  })
})

describe("Random TypeScript with percent signs", function () {
  this.timeout(120_000)

  it("stays TypeScript wherever it parses, however it is broken into lines", () => {
    const random = randomFrom(2)
    const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)] as T
    const gap = () => pick(["", " ", "\n", "\n  ", " // 50 % of it\n", " /* %jobs\n%time x */ "])
    const expression = (depth: number): string => {
      if (depth === 0)
        return pick(["a", "b", "x", "3", "'%jobs'", "`\n%jobs\n`", "/%a/", "urls.length", "f(a\n%b)"])
      const [left, right] = [expression(depth - 1), expression(depth - 1)]
      return pick([
        `${left}${gap()}%${gap()}${right}`,
        `(${gap()}${left}${gap()}%${right})`,
        `${left}${gap()}? ${right} :${gap()}a`,
        `[${left},${gap()}${right}${gap()}%b]`,
        `\`\${${left}${gap()}%${right}}\n%jobs\``,
        `!${left}${gap()}%x`,
      ])
    }
    let tried = 0
    let withPercentLines = 0
    for (let round = 0; round < 3000; round++) {
      const code = `${pick(["", "const c = ", "f(", "y ="])}${expression(1 + Math.floor(random() * 3))}`
      const whole = code.startsWith("f(") ? `${code})` : code
      if (parse(whole).errors.length > 0) continue
      tried++
      if (/^\s*%\w/m.test(whole)) withPercentLines++
      expect(findLineMagics(whole, notebook), whole).to.deep.equal([])
    }
    expect(tried).to.be.greaterThan(1500)
    expect(withPercentLines, "of which some have lines that begin with a percent sign").to.be.greaterThan(500)
  })
})
