import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect } from "chai"
import { pricesAsOf as codeEngine } from "../../kernel-ext/backends/code_engine/prices.ts"
import { pricesAsOf as google } from "../../kernel-ext/backends/google-prices.ts"
import { pricesAsOf as lambda } from "../../kernel-ext/backends/lambda/prices.ts"
import { pricesAsOf as ec2 } from "../../kernel-ext/backends/standalone/ec2/prices.ts"
import { root } from "../support/repository.ts"

describe("Tables of prices", () => {
  const pages: Readonly<Record<string, readonly string[]>> = {
    "serverless.md": [codeEngine, google],
    "lambda.md": [lambda],
    "standalone.md": [ec2],
  }
  for (const [page, dates] of Object.entries(pages))
    it(`are of the month that docs/${page} says`, () => {
      const text = readFileSync(join(root, "docs", page), "utf8")
      for (const date of dates) {
        const month = new Date(`${date}-01T00:00:00Z`).toLocaleDateString("en", {
          ...{ month: "long", year: "numeric", timeZone: "UTC" },
        })
        expect(text).to.match(new RegExp(`(prices|table|of) [^.]*${month}`))
      }
    })
})
