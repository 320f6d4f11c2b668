import { expect } from "chai"
import { z } from "zod"
import { functionExecutorOptions, jobOptions, localhostOptions } from "../../kernel-ext/config/schema.ts"
import { parseOptions } from "../../kernel-ext/config/validate.ts"
import { ConfigError } from "../../kernel-ext/errors.ts"

function failure(run: () => unknown): ConfigError {
  try {
    run()
  } catch (error) {
    expect(error).to.be.instanceOf(ConfigError)
    return error as ConfigError
  }
  throw new Error("Nothing was thrown")
}

describe("parseOptions", () => {
  it("fills in defaults, also for nothing at all", () => {
    expect(parseOptions(jobOptions, undefined, "map")).to.deep.include({
      retries: 0,
      failFast: false,
      env: {},
    })
    expect(parseOptions(jobOptions, { retries: 2 }, "map").retries).to.equal(2)
  })

  it("names the option, what is taken and what was got", () => {
    const error = failure(() => parseOptions(localhostOptions, { workers: 0 }, "LocalhostExecutor"))
    expect(error.key).to.equal("workers")
    expect(error.message).to.equal(
      "Option `workers` of LocalhostExecutor takes an integer from 1 to 1024, but got 0.",
    )
    // Views print causes: a validator's own words say nothing more.
    expect(error.cause).to.equal(undefined)
  })

  it("names the nearest right option for one that is not known", () => {
    const error = failure(() => parseOptions(localhostOptions, { wokers: 4 }, "LocalhostExecutor"))
    expect(error.key).to.equal("wokers")
    expect(error.message).to.include("has no option `wokers`; did you mean `workers`?")
  })

  it("tells of every wrong option at once", () => {
    const error = failure(() =>
      parseOptions(
        jobOptions,
        { retries: -1, failFast: "no", timeoutMs: "5s", chunkSize: 1.5, name: "" },
        "map",
      ),
    )
    expect(error.message.split("\n")).to.have.members([
      "Option `retries` of map takes an integer of at least 0, but got -1.",
      "Option `failFast` of map takes true or false, but got 'no'.",
      "Option `timeoutMs` of map takes a number above 0, but got '5s'.",
      "Option `chunkSize` of map takes an integer of at least 1, but got 1.5.",
      "Option `name` of map takes a text that is not empty, but got ''.",
    ])
  })

  it("names the nearest of the values that an option can have", () => {
    const error = failure(() =>
      parseOptions(functionExecutorOptions, { mode: "lcalhost" }, "FunctionExecutor"),
    )
    expect(error.message).to.equal(
      'Option `mode` of FunctionExecutor takes "localhost", "serverless" or "standalone", but got \'lcalhost\'. Did you mean "localhost"?',
    )
  })

  it("points into a record without printing the rest of it", () => {
    const error = failure(() => parseOptions(jobOptions, { env: { TOKEN: "secret", DEBUG: 1 } }, "map"))
    expect(error.message).to.include("but its `DEBUG` is 1.")
    expect(error.message).not.to.include("secret")
  })

  it("refuses what is no object", () => {
    expect(failure(() => parseOptions(jobOptions, 4, "map")).message).to.equal(
      "map takes an object of options, but got 4.",
    )
  })

  it("leaves what is taken to the schema where an option has no text form", () => {
    const schema = z.strictObject({
      signal: z.instanceof(AbortSignal, { error: "takes an AbortSignal" }).optional(),
    })
    expect(failure(() => parseOptions(schema, { signal: 1 }, "map")).message).to.equal(
      "Option `signal` of map takes an AbortSignal, but got 1.",
    )
  })
})
