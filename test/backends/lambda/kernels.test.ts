import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import { need } from "../../support/needs.ts"
import { waitUntil } from "../../support/processes.ts"
import { root } from "../../support/repository.ts"
import { lambdaAt } from "../../support/servers/lambda-backend.ts"
import { startLambdaShim } from "../../support/servers/lambda-shim.ts"
import { ministack, startMinistack } from "../../support/servers/ministack.ts"

/** A process of its own, as each kernel is one. */
interface Kernel {
  readonly child: ChildProcess
  readonly said: () => string
}

function kernel(endpoint: string, code: string): Kernel {
  const script = `
    import { ServerlessExecutor } from "./kernel-ext/index.ts"
    const fexec = new ServerlessExecutor({ memoryMiB: 512, workers: 2, roleArn: process.env.ROLE })
    ${code}`
  const child = spawn(process.execPath, ["--import", "tsx/esm", "--input-type=module", "-e", script], {
    cwd: root,
    env: {
      ...process.env,
      CELLFAN_AWS_ENDPOINT: endpoint,
      ...{ AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
    },
    stdio: ["ignore", "pipe", "pipe"],
  })
  let said = ""
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (text) => {
      said += text
    })
  return { child, said: () => said }
}

describe("Kernels that use Lambda", function () {
  this.timeout(60_000)

  it("make one function and one role between them where they begin at the same moment", async function () {
    const server = await startMinistack(need(this, ministack.what, ministack.find()))
    try {
      const code = "console.log(await fexec.map((n) => n + 1, [1, 2])); await fexec.close()"
      const kernels = [1, 2, 3].map(() => kernel(server.url, code))
      const codes = await Promise.all(kernels.map(async ({ child }) => (await once(child, "exit"))[0]))
      const said = kernels.map((one) => one.said())
      expect(codes, said.join("\n")).to.deep.equal([0, 0, 0])
      for (const text of said) expect(text).to.include("[ 2, 3 ]")
      const backend = lambdaAt(server.url)
      expect((await backend.list()).functions).to.have.length(1)
      await backend.close()
    } finally {
      await server.stop()
    }
  })

  it("leave nothing to be billed but what runs where they are killed", async () => {
    const shim = await startLambdaShim()
    const sleepy = "() => new Promise((resolve) => setTimeout(resolve, 500))"
    process.env.ROLE = "arn:aws:iam::000000000000:role/tests"
    const { child, said } = kernel(
      shim.url,
      `await fexec.map(${sleepy}, [...Array(40).keys()], { chunkSize: 1 })`,
    )
    try {
      await waitUntil(() => shim.requestBytes.length >= 2 || child.exitCode !== null, 30_000)
      child.kill("SIGKILL")
      await once(child, "exit")
      const calls = shim.requestBytes.length
      expect(calls, said()).to.be.within(2, 20)
      // Those that ran would have made room by now.
      await sleep(1500)
      expect(shim.requestBytes.length).to.equal(calls)
    } finally {
      delete process.env.ROLE
      child.kill("SIGKILL")
      await shim.stop()
    }
  })
})
