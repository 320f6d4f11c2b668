import { readFileSync } from "node:fs"
import { expect } from "chai"
import { parseHTML } from "linkedom"
import { inCell } from "../../../kernel-ext/kernel/current-cell.ts"
import { toBundle } from "../../../kernel-ext/kernel/display/bundle.ts"
import type { Cell, DisplayBundle } from "../../../kernel-ext/kernel/types.ts"

const show = (value: unknown) => toBundle(value, (error) => `described: ${error.message}`)
const data = async (value: unknown) => (await show(value))?.data ?? {}
const text = async (value: unknown) => String((await data(value))["text/plain"])

/** Its types say that it gives a browser's window, which these tests have no types of. */
function documentOf(html: string): { querySelector(selector: string): object | null } {
  return (parseHTML(html) as unknown as { document: ReturnType<typeof documentOf> }).document
}

describe("how a value looks", () => {
  it("is for a string the string", async () => {
    expect(await data("some\ntext")).to.deep.equal({ "text/plain": "some\ntext" })
  })

  it("is what its Jupyter.display method says, awaited, with bytes as base64", async () => {
    const value = {
      async [Symbol.for("Jupyter.display")]() {
        return { "text/html": "<b>", "image/png": new Uint8Array([1, 2]), "text/plain": "b" }
      },
    }
    expect(await data(value)).to.deep.equal({ "text/html": "<b>", "image/png": "AQI=", "text/plain": "b" })
  })

  it("always has plain text", async () => {
    const value = { name: 1, [Symbol.for("Jupyter.display")]: () => ({ "text/html": "<b>" }) }
    expect(await text(value)).to.contain("name: 1")
  })

  it("is nothing where the method returns an empty object", async () => {
    expect(await show({ [Symbol.for("Jupyter.display")]: () => ({}) })).to.equal(undefined)
  })

  it("does not wait for a thenable that shows itself", async () => {
    const job = {
      // biome-ignore lint/suspicious/noThenProperty: what a job is
      then() {
        throw new Error("awaited")
      },
      [Symbol.for("Jupyter.display")]: () => ({ "text/plain": "a job" }),
    }
    expect(await text(job)).to.equal("a job")
  })

  it("fails where the method returns no bundle", async () => {
    const error = await show({ [Symbol.for("Jupyter.display")]: () => "text" }).catch((thrown) => thrown)
    expect(error).to.be.instanceOf(TypeError)
    expect(error.message).to.contain("'text'")
  })

  it("fails where the method gives what no notebook can hold", async () => {
    const wrong = { [Symbol.for("Jupyter.display")]: () => ({ "text/html": 5 }) }
    const error = await show(wrong).catch((thrown) => thrown)
    expect(error).to.be.instanceOf(TypeError)
    expect(error.message).to.match(/text or bytes as text\/html, and this one gave 5/)
    const right = {
      "text/plain": "t",
      "application/json": [1],
      "application/x.y+json": 5,
      "text/html": undefined,
    }
    expect(await data({ [Symbol.for("Jupyter.display")]: () => right })).to.deep.equal({
      "text/plain": "t",
      "application/json": [1],
      "application/x.y+json": 5,
    })
  })

  it("is a table for plain objects, escaped, with columns of all rows", async () => {
    const bundle = await data([
      { a: 1, "b<": "x & y" },
      { a: 22, c: new Map([[1, 2]]) },
    ])
    expect(bundle["text/plain"]).to.equal(
      [
        " a  b<     c",
        "──  ─────  ─────────────────",
        " 1  x & y",
        "22         Map(1) { 1 => 2 }",
        "",
        "2 rows × 3 columns",
      ].join("\n"),
    )
    expect(bundle["text/html"])
      .to.contain("b&lt;</th>")
      .and.to.contain("x &amp; y")
      .and.to.contain("<p>2 rows × 3 columns</p>")
  })

  it("names the size of a table that is cut", async () => {
    const rows = Array.from({ length: 12_345 }, (_, index) => ({ index, long: "x".repeat(500) }))
    const bundle = await data(rows)
    expect(bundle["text/plain"]).to.match(/12,345 rows × 2 columns; the first 50 rows shown$/)
    expect(String(bundle["text/html"]).match(/<tr>/g)).to.have.lengthOf(51)
    expect(bundle["text/plain"])
      .to.contain(`${"x".repeat(100)}…`)
      .and.not.to.contain("x".repeat(101))
  })

  it("names errors within a table, without their stacks", async () => {
    const { "text/plain": text } = await data([{ at: 1, reason: new RangeError("too far") }])
    expect(text).to.match(/^at {2}reason\n.*\n 1 {2}RangeError: too far\n/)
  })

  it("is no table for other arrays", async () => {
    for (const value of [[], [1, 2], [{ a: 1 }, 2], [new Date(0)], [{}]])
      expect(await data(value)).to.have.all.keys("text/plain")
  })

  it("is util.inspect's for maps, sets, typed arrays and classes", async () => {
    expect(await text(new Map([["a", new Set([1])]]))).to.equal("Map(1) { 'a' => Set(1) { 1 } }")
    expect(await text(new Float64Array(1000)))
      .to.contain("Float64Array(1000)")
      .and.to.contain("... 900 more items")
    expect(await text(class Foo {})).to.equal("[class Foo]")
    expect(await text(10n)).to.equal("10n")
  })

  it("names the size of long text that is cut", async () => {
    expect(await text("y".repeat(250_000))).to.match(/y\n… cut: 250,000 characters, 100,000 shown$/)
    expect(await text({ long: "z".repeat(20_000) })).to.contain("... 10000 more characters")
  })

  it("is an image for bytes that are one", async () => {
    const png = readFileSync(new URL("../../../kernelspec/logo-32x32.png", import.meta.url))
    const bundle = await data(png)
    expect(bundle["image/png"]).to.equal(png.toString("base64"))
    expect(bundle["text/plain"]).to.match(/^PNG image, 32 × 32, [\d.]+ k?B$/)
    expect(await data(new Uint8Array([0xff, 0xd8, 0xff, 0xe0]))).to.have.property("image/jpeg")
    expect(await data(Buffer.from("GIF89a\x02\x00\x03\x00"))).to.have.property(
      "text/plain",
      "GIF image, 2 × 3, 10 B",
    )
    expect(await data(Buffer.from("<?xml version='1.0'?>\n<svg></svg>"))).to.have.property("image/svg+xml")
    expect(await data(new Blob([png], { type: "image/png" }))).to.have.property("image/png")
    expect(await data(Buffer.from("no image"))).to.have.all.keys("text/plain")
  })

  it("is HTML or SVG for an element of any DOM", async () => {
    const document = documentOf(
      "<html><body><figure><p>caption</p></figure><svg width='5'></svg></body></html>",
    )
    expect(await data(document.querySelector("figure"))).to.deep.include({
      "text/html": "<figure><p>caption</p></figure>",
    })
    const svg = await data(document.querySelector("svg"))
    expect(svg["image/svg+xml"]).to.match(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
    expect(svg["text/plain"]).to.match(/^<svg> element, \d+ B$/)
  })

  it("is a plot of Observable Plot as SVG", async () => {
    const Plot = await import("@observablehq/plot")
    const document = documentOf("<html><body></body></html>")
    const plot = Plot.dot([
      [1, 2],
      [3, 4],
    ]).plot({ document: document as never })
    expect((await data(plot))["image/svg+xml"])
      .to.contain("<circle")
      .and.to.contain('xmlns="http://www.w3.org/2000/svg"')
  })

  it("is an error with its stack on the user's lines", async () => {
    expect(await text(new Error("shown"))).to.equal("described: shown")
  })

  it("is the state of a promise, at once where it is known", async () => {
    expect(await text(Promise.resolve([1]))).to.equal("Promise { [ 1 ] }")
    expect(await text(Promise.reject(new Error("no")))).to.equal("Promise { <rejected> described: no }")
  })

  it("of a promise that settles later is replaced then", async () => {
    const updates: DisplayBundle[] = []
    const output = {
      stream() {},
      displayData() {},
      clearOutput() {},
      updateDisplayData: (bundle: DisplayBundle) => updates.push(bundle),
    }
    const cell: Cell = {
      id: "a",
      executionCount: 1,
      silent: false,
      signal: new AbortController().signal,
      output,
    }
    const later = new Promise((resolve) => setTimeout(resolve, 20, { done: true }))
    const bundle = await inCell(cell, () => show(later))
    expect(bundle?.data).to.deep.equal({ "text/plain": "Promise { <pending> }" })
    await later
    await new Promise((resolve) => setImmediate(resolve))
    expect(updates).to.deep.equal([
      { data: { "text/plain": "Promise { { done: true } }" }, displayId: bundle?.displayId },
    ])
  })
})
