import { execFile } from "node:child_process"
import { join } from "node:path"
import { expect } from "chai"
import { StorageClient } from "../../kernel-ext/storage/storage.ts"
import { jobPrefix } from "../../kernel-ext/storage/temporary.ts"
import { need } from "../support/needs.ts"
import { root } from "../support/repository.ts"
import { ministack, startMinistack } from "../support/servers/ministack.ts"
import type { Server } from "../support/servers/server-process.ts"

describe("cellfan and the functions on Lambda", function () {
  this.timeout(60_000)
  let server: Server
  before(async function () {
    server = await startMinistack(need(this, ministack.what, ministack.find()))
  })
  after(() => server?.stop())

  function cellfan(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const keys = { AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" }
    const env = {
      ...process.env,
      ...keys,
      CELLFAN_AWS_ENDPOINT: server.url,
      CELLFAN_AWS_LAMBDA_MEMORY_MIB: "512",
      CELLFAN_LOCALHOST_STORAGE_ROOT: "/nonexistent",
    }
    return new Promise((resolve) => {
      execFile(process.execPath, [join(root, "dist", "cli.js"), ...args], { env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      )
    })
  }

  it("deploys, lists and deletes them, one and all", async () => {
    expect((await cellfan("runtime", "list")).stdout).to.equal(
      "There are no functions of cellfan in us-east-1.\n",
    )
    const updated = await cellfan("runtime", "update")
    expect(updated.stderr).to.match(/Deployed cellfan-512mib-[0-9a-f]{16} in/)
    const listed = (await cellfan("runtime", "list")).stdout
    const [, name = ""] =
      /^(cellfan-512mib-\w{16}) +512 MiB +180 s +nodejs2[24].x +x86_64 +cellfan /m.exec(listed) ?? []
    expect(name, listed).to.not.equal("")
    expect((await cellfan("runtime", "delete", name)).stdout).to.equal(`Deleted ${name}.\n`)
    const again = await cellfan("runtime", "delete", name)
    expect([again.code, again.stderr]).to.deep.equal([
      1,
      `There is no function ${name}; \`cellfan runtime list\` shows those there are.\n`,
    ])
    await cellfan("runtime", "update")
    const left = new StorageClient({
      backend: "aws_s3",
      bucket: undefined,
      options: { region: "us-east-1", endpoint: server.url, pathStyle: true },
      secrets: { accessKeyId: "test", secretAccessKey: "test" },
    })
    await left.put(`${jobPrefix("of-last-week", 1, Date.now() - 2 * 3_600_000)}call-0`, "x".repeat(2500))
    await left.put(`${jobPrefix("of-a-live-kernel")}call-0`, "x")
    expect((await cellfan("clean")).stdout.split("\n")).to.deep.equal([
      "In the configured storage: deleted 0 temporary objects (0 B).",
      "Deleted 1 function from Lambda.",
      "In the storage of its jobs: deleted 1 temporary object (2.5 kB), and left those of 1 job, which runs or ended less than 15 minutes ago.",
      "EC2 was not looked at, since the configuration does not name it: `cellfan vm clean` does.",
      "",
    ])
  })

  it("prints the rights that are needed, as IAM takes them", async () => {
    const { Version, Statement } = JSON.parse((await cellfan("lambda", "policy")).stdout)
    expect(Version).to.equal("2012-10-17")
    expect(Statement.map((one: { Sid: string }) => one.Sid)).to.include("HandTheRoleToLambda")
    const own = (await cellfan("lambda", "policy", "--role", "arn:aws:iam::123456789012:role/mine")).stdout
    expect(own).to.include("role/mine").and.not.include("iam:CreateRole")
  })

  it("says what it takes", async () => {
    const wrong = await cellfan("runtime", "show")
    expect([wrong.code, wrong.stderr]).to.deep.equal([
      1,
      "cellfan runtime takes list, update, or delete with names, but got show.\n",
    ])
  })
})
