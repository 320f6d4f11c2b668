import { expect } from "chai"
import { z } from "zod"
import { flagsOf, kebab, parseFlags } from "../../kernel-ext/config/flags.ts"
import { jobOptions, localhostOptions } from "../../kernel-ext/config/schema.ts"
import { UsageError } from "../../kernel-ext/errors.ts"

const parse = (text: string) => parseFlags(jobOptions, text, "%%LocalhostExecutor")

function usage(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    expect(error).to.be.instanceOf(UsageError)
    return (error as UsageError).message
  }
  throw new Error("Nothing was thrown")
}

describe("flags", () => {
  it("are named as the options, in kebab case with the unit in one word", () => {
    expect(kebab("timeoutMs")).to.equal("timeout-ms")
    expect(kebab("memoryMiB")).to.equal("memory-mib")
    expect(flagsOf(jobOptions).map((flag) => flag.name)).to.include.members([
      "--fail-fast",
      "--memory-mib",
      "--env",
    ])
  })

  it("leave out options that have no text form", () => {
    const schema = z.strictObject({
      signal: z.instanceof(AbortSignal).optional(),
      retries: z.number().optional(),
    })
    expect(flagsOf(schema).map((flag) => flag.name)).to.deep.equal(["--retries"])
  })

  it("take values after a blank or an equals sign", () => {
    expect(parse("--timeout-ms 500 --retries=3").given).to.deep.equal({ timeoutMs: 500, retries: 3 })
  })

  it("turn booleans on and off", () => {
    expect(parse("--fail-fast").given).to.deep.equal({ failFast: true })
    expect(parse("--no-fail-fast").given).to.deep.equal({ failFast: false })
    expect(parse("--fail-fast=false").given).to.deep.equal({ failFast: false })
  })

  it("gather a record from several", () => {
    expect(parse(`--env A=1 --env B="two words" --env 'C=x=y'`).given).to.deep.equal({
      env: { A: "1", B: "two words", C: "x=y" },
    })
  })

  it("gather a list from several and from commas", () => {
    const schema = z.strictObject({ hosts: z.array(z.string()) })
    expect(parseFlags(schema, "--hosts a,b --hosts c", "%x").given).to.deep.equal({ hosts: ["a", "b", "c"] })
  })

  it("may leave out the unit", () => {
    expect(parse("--memory 512 --timeout 20").given).to.deep.equal({ memoryMiB: 512, timeoutMs: 20 })
  })

  it("give defaults in values, and only what was typed in given", () => {
    const { values, given } = parse("--retries 1")
    expect(values).to.deep.include({ retries: 1, seed: 0, failFast: false })
    expect(given).to.deep.equal({ retries: 1 })
  })

  it("keep words that belong to no flag, and where each value stands", () => {
    const { rest, words } = parse("one --name 'a b' two")
    expect(rest.map((word) => word.text)).to.deep.equal(["one", "two"])
    expect(words.get("name")).to.include({ text: "a b", start: 11, end: 16 })
  })

  it("take lists within an option that has names", () => {
    expect(parse("--packages external=sharp,canvas").values.packages).to.deep.equal({
      external: ["sharp", "canvas"],
    })
    expect(() => parse("--packages inner=sharp")).to.throw("argument --packages takes an object such as")
  })

  it("refuse an unknown flag, naming the nearest and all", () => {
    const message = usage(() => parseFlags(localhostOptions, "--wokers 4", "%LocalhostExecutor"))
    expect(message).to.equal(
      "%LocalhostExecutor: unrecognized argument --wokers. Did you mean --workers? It takes --workers, --timeout-ms, --memory-mib, --isolation and --retries.",
    )
  })

  it("refuse a value out of range, saying what is taken", () => {
    expect(usage(() => parseFlags(localhostOptions, "--workers 0", "%LocalhostExecutor"))).to.equal(
      "%LocalhostExecutor: argument --workers takes an integer from 1 to 1024, but got 0.",
    )
    expect(usage(() => parseFlags(localhostOptions, "--workers four", "%LocalhostExecutor"))).to.include(
      "takes an integer from 1 to 1024, but got 'four'.",
    )
  })

  it("refuse a flag without its value, a value twice, and a pair without its sign", () => {
    expect(usage(() => parse("--retries"))).to.include(
      "--retries takes an integer of at least 0, but got nothing.",
    )
    expect(usage(() => parse("--retries --fail-fast"))).to.include("but got nothing.")
    expect(usage(() => parse("--retries 1 --retries 2"))).to.include("argument --retries is given twice.")
    expect(usage(() => parse("--env A"))).to.include("--env takes KEY=VALUE, but got 'A'.")
    expect(usage(() => parse("--fail-fast=maybe"))).to.include("true or false, but got 'maybe'")
  })

  it("refuse a quote that is never closed", () => {
    expect(usage(() => parse("--name 'a b"))).to.include("the quote in 'a b is never closed")
  })
})
