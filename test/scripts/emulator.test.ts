import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { ServerlessExecutor, Storage } from "../../kernel-ext/index.ts"
import { need } from "../support/needs.ts"
import { childrenOf, isAlive, waitUntil } from "../support/processes.ts"
import { root } from "../support/repository.ts"
import { ministack } from "../support/servers/ministack.ts"

/** `npm run emulator -- --only`, as somebody uses it who has a shell of their own. */
describe("npm run emulator", function () {
  this.timeout(90_000)
  let folder: string | undefined
  let child: ChildProcess
  let said: string

  beforeEach(async function () {
    need(this, ministack.what, ministack.find())
    folder = mkdtempSync(join(tmpdir(), "cellfan-emulator-test-"))
    said = ""
    child = spawn(process.execPath, [join(root, "scripts", "emulator.mjs"), "--only"], {
      env: { ...process.env, TMPDIR: folder },
      stdio: ["ignore", "pipe", "pipe"],
    })
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (text) => {
        said += text
      })
    await waitUntil(() => said.includes("runs until") || child.exitCode !== null, 80_000)
    expect(child.exitCode, said).to.equal(null)
  })
  afterEach(async () => {
    // Killed outright, it could not end the server.
    if (child?.exitCode === null && child.signalCode === null) {
      const ended = once(child, "exit")
      child.kill("SIGTERM")
      await ended
    }
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  })

  const settings = () =>
    Object.fromEntries([...said.matchAll(/^export (\w+)=(.*)$/gm)].map(([, key, value]) => [key, value]))

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    it(`leaves no process and no file behind where ${signal} ends it`, async () => {
      const [server = 0] = childrenOf(child.pid ?? 0).filter((pid) =>
        readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("ministack"),
      )
      expect(server).to.be.greaterThan(0)
      const ended = once(child, "exit")
      child.kill(signal)
      await ended
      await waitUntil(() => !isAlive(server))
      expect(readdirSync(folder as string)).to.deep.equal([])
    })

  it("gives the notebook and the functions the same bucket where nobody names one", async () => {
    const { CELLFAN_AWS_ENDPOINT: endpoint = "", AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = settings()
    const saved = { ...process.env }
    Object.assign(process.env, { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY })
    try {
      const place = { endpoint, region: "us-east-1" }
      await using fexec = new ServerlessExecutor({ ...place, memoryMiB: 256, workers: 1 })
      await fexec.callAsync(async (_: number, ctx) => void (await ctx.storage.put("made-there", "there")), 1)
      const here = new Storage({ ...place, backend: "aws_s3", pathStyle: true })
      expect(await here.text("made-there")).to.equal("there")
    } finally {
      for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])
        if (saved[name] === undefined) delete process.env[name]
        else process.env[name] = saved[name]
    }
  })
})
