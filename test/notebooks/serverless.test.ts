import { join } from "node:path"
import { expect } from "chai"
import { executeNotebook, type Notebook, textIn } from "../support/jupyter.ts"
import { need } from "../support/needs.ts"
import { root } from "../support/repository.ts"
import { ministack, startMinistack } from "../support/servers/ministack.ts"
import type { Server } from "../support/servers/server-process.ts"

describe("notebooks/serverless.ipynb, on an emulator", function () {
  this.timeout(180_000)
  let server: Server
  let notebook: Notebook

  before(async function () {
    server = await startMinistack(need(this, ministack.what, ministack.find()))
    const keys = { AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" }
    const env = { ...keys, CELLFAN_AWS_ENDPOINT: server.url, CELLFAN_AWS_LAMBDA_WORKERS: "2" }
    const executed = await executeNotebook(join(root, "notebooks", "serverless.ipynb"), { env })
    expect(executed.code, executed.stderr).to.equal(0)
    notebook = executed.notebook
  })
  after(() => server?.stop())

  function outputOf(beginning: string): string {
    const cell = notebook.cells.find(({ source }) => textIn(source).startsWith(beginning))
    return (cell?.outputs ?? [])
      .map(({ text, data }) => textIn(text ?? (data?.["text/plain"] as string | undefined)))
      .join("\n")
  }

  it("moves a cell to Lambda by its first word, and has the same numbers", () => {
    expect(outputOf("%%LocalhostExecutor")).to.include("LocalhostExecutor")
    expect(outputOf("%%ServerlessExecutor")).to.match(/40 tasks, 40 done.*ServerlessExecutor on aws_lambda/)
    expect(outputOf("console.log(there.every")).to.match(/^true/)
  })

  it("says how far off the estimate is, and that it costs something", () => {
    const [, pi, error] = /π = ([\d.]+), give or take ([\d.]+)/.exec(outputOf("import { Serverless")) ?? []
    expect(Math.abs(Number(pi) - Math.PI)).to.be.lessThan(4 * Number(error))
    expect(outputOf("import { Serverless")).to.include("a fraction of a cent")
  })

  it("names the task that went wrong", () => {
    expect(outputOf("const risky")).to.match(/1\n.*called process.exit\(1\).*\n9/)
  })
})
