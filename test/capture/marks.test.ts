import { parse } from "acorn"
import { expect } from "chai"
import { marksFor, scopeMark, thisMark } from "../../kernel-ext/capture/marks.ts"

/** The code with each mark as one character: § for a scope, ¶ for `this`. */
function marked(code: string): string {
  const program = parse(code, { ecmaVersion: "latest", sourceType: "module" })
  let text = code
  for (const { offset, text: mark } of [...marksFor(program)].sort((a, b) => b.offset - a.offset)) {
    const sign = mark.includes(scopeMark) ? "§" : mark.includes(thisMark) ? "¶" : "?"
    text = text.slice(0, offset) + sign + text.slice(offset)
  }
  return text
}

describe("Marks", () => {
  const cases: Record<string, [code: string, expected: string]> = {
    "a scope whose variable inner functions assign to": [
      "function f() { let n = 0; return () => ++n }",
      "function f() {§ let n = 0; return () => ++n }",
    ],
    "a parameter that is assigned to, after the directives": [
      'function f(n) { "use strict"; n = 1; return () => n }',
      'function f(n) { "use strict";§ n = 1; return () => n }',
    ],
    "a block": ["{ let n = 0; f(() => n++) }", "{§ let n = 0; f(() => n++) }"],
    "a function whose arrow functions use this": [
      "class A { m() { return () => this.x } }",
      "class A { m() {¶ return () => this.x } }",
    ],
  }
  for (const [name, [code, expected]] of Object.entries(cases)) {
    it(`stand in ${name}`, () => expect(marked(code)).to.equal(expected))
  }

  const without: Record<string, string> = {
    "variables that nobody assigns to": "function f(a) { const b = a; return () => a + b }",
    "variables of one function only": "function f() { let n = 0; n++; return n }",
    "names of the cell itself": "let n = 0; const f = () => ++n",
    "a method that uses its own this": "class A { m() { return this.x } }",
    "a function within that has its own this": "function f() { return function () { return this } }",
    "a field, which has no place for one": "class A { f = () => this.x }",
  }
  for (const [name, code] of Object.entries(without)) {
    it(`do not stand with ${name}`, () => expect(marked(code)).to.equal(code))
  }
})
