import { expect } from "chai"
import { splitWords } from "../../kernel-ext/config/words.ts"

const texts = (text: string) => splitWords(text).map((word) => word.text)

describe("splitWords", () => {
  it("parts words at blanks, with their offsets", () => {
    expect(splitWords("  ab\tc ")).to.deep.equal([
      { text: "ab", start: 2, end: 4, closed: true, quoted: false },
      { text: "c", start: 5, end: 6, closed: true, quoted: false },
    ])
  })

  it("keeps blanks within quotes, at the start of a word and inside it", () => {
    expect(texts(`"a b" 'c d' e="f g"h`)).to.deep.equal(["a b", "c d", "e=f gh"])
  })

  it("keeps an escaped blank, quote and backslash", () => {
    expect(texts(String.raw`a\ b \"c \\d C:\new`)).to.deep.equal(["a b", '"c', "\\d", "C:\\new"])
  })

  it("keeps an expression in brackets whole, its strings untouched", () => {
    expect(texts(`--map names.map((n) => n + "x y") --as n`)).to.deep.equal([
      "--map",
      `names.map((n) => n + "x y")`,
      "--as",
      "n",
    ])
  })

  it("knows an empty word and one whose quote is open", () => {
    expect(splitWords(`""`)).to.deep.equal([{ text: "", start: 0, end: 2, closed: true, quoted: true }])
    expect(splitWords(`a 'b c`)[1]).to.include({ text: "b c", closed: false })
  })
})
