import { serverless } from "../../../kernel-ext/executors/serverless.ts"
import { conformsToBackend } from "../../conformance/backend.ts"
import { need } from "../../support/needs.ts"
import { lambdaAt } from "../../support/servers/lambda-backend.ts"
import { bareCode } from "../../support/servers/lambda-code.ts"
import { ministack, startMinistack } from "../../support/servers/ministack.ts"
import type { Server } from "../../support/servers/server-process.ts"

describe("Lambda on an emulator", () => {
  let server: Server
  before(async function () {
    this.timeout(60_000)
    server = await startMinistack(need(this, ministack.what, ministack.find()))
  })
  after(() => server?.stop())

  conformsToBackend("aws_lambda with a bare operating system", () =>
    lambdaAt(server.url, { code: bareCode() }),
  )
  conformsToBackend("aws_lambda with Lambda's Node.js", () => lambdaAt(server.url))
})

/** `CELLFAN_TEST_AWS=1 npm test -- test/backends/lambda`: the same on the account that is configured. It costs cents. */
if (process.env.CELLFAN_TEST_AWS === "1")
  describe("Lambda itself", function () {
    this.timeout(120_000)
    const given = { workers: 4, memoryMiB: 512, namespace: "test" }
    conformsToBackend("aws_lambda", () => serverless(given, "the test").backend)
  })
