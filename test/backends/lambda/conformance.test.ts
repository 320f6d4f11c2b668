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
