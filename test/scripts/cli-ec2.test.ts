import { execFile } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { Ec2Hosts } from "../../kernel-ext/backends/standalone/ec2/ec2.ts"
import { smallRecipe, Told } from "../backends/standalone/ec2/recipe.ts"
import { type Ec2Shim, startEc2Shim } from "../support/ec2/shim.ts"
import { need } from "../support/needs.ts"
import { root } from "../support/repository.ts"
import { moto, startMoto } from "../support/servers/moto.ts"
import type { Server } from "../support/servers/server-process.ts"

describe("cellfan and the instances on EC2", function () {
  this.timeout(60_000)
  let server: Server
  let shim: Ec2Shim
  before(async function () {
    server = await startMoto(need(this, moto.what, moto.find()))
    shim = await startEc2Shim(server.url)
  })
  after(async () => {
    await shim?.stop()
    await server?.stop()
  })

  interface Said {
    readonly code: number
    readonly stdout: string
    readonly stderr: string
  }

  function cellfan(...args: string[]): Promise<Said> {
    return cellfanWith({}, ...args)
  }

  function cellfanWith(more: Readonly<Record<string, string>>, ...args: string[]): Promise<Said> {
    const keys = { AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" }
    const env = { ...process.env, ...keys, CELLFAN_AWS_ENDPOINT: shim.url, ...more }
    return new Promise((resolve) => {
      execFile(process.execPath, [join(root, "dist", "cli.js"), ...args], { env }, (error, stdout, stderr) =>
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      )
    })
  }

  function hostsOf(): Ec2Hosts {
    const keys = () => ({ accessKeyId: "test", secretAccessKey: "test" })
    return new Ec2Hosts({
      access: { region: "us-east-1", endpoint: shim.url, keys },
      ...{
        owner: "ada",
        pool: "test",
        instances: 2,
        minHosts: 2,
        instanceType: "t3.medium",
        headType: "t3.small",
      },
      ...{ spot: false, onDemandFallback: true, diskGiB: 20, expiresAfterMs: 3_600_000 },
      storage: () => {
        throw new Error("not needed")
      },
    })
  }

  it("lists them with what they cost, ends one, and all", async () => {
    expect((await cellfan("vm", "list")).stdout).to.equal(
      "There is nothing of cellfan on EC2 in us-east-1.\n",
    )
    const hosts = hostsOf()
    await hosts.start(smallRecipe("0"), new Told(), new AbortController().signal)
    await hosts.close()
    const [{ name: first = "" } = {}] = hosts.hosts
    const listed = (await cellfan("vm", "list")).stdout
    expect(listed).to.match(/^INSTANCE +ROLE +STATE +TYPE +MARKET +POOL +OWNER +SINCE +\$\/HOUR +\$ SO FAR/)
    expect(listed).to.match(
      new RegExp(
        `^${first} +worker +running +t3.medium +on-demand +test +ada +\\S+ +0\\.04\\d+ +0\\.00\\d+`,
        "m",
      ),
    )
    expect(listed).to.match(/^security group cellfan-workers \(sg-/m)
    expect((await cellfan("vm", "delete", first)).stdout).to.equal(`Ended ${first}.\n`)
    const again = await cellfan("vm", "delete", first)
    expect([again.code, again.stderr]).to.deep.equal([
      1,
      `There is no instance ${first} of cellfan; \`cellfan vm list\` shows those there are.\n`,
    ])
    const cleaned = (await cellfan("vm", "clean")).stdout
    expect(cleaned)
      .to.match(/^Deleted:\nworker i-\w+ \(t3.medium\)\n/)
      .and.include("security group cellfan-workers")
    expect((await cellfan("vm", "clean")).stdout).to.equal("There was nothing of cellfan on EC2.\n")
  })

  it("ends all of them with `clean`, where EC2 is configured, and says what else could not be cleaned", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cellfan-clean-"))
    const configured = { CELLFAN_BACKEND: "aws_ec2", CELLFAN_LOCALHOST_STORAGE_ROOT: folder }
    const hosts = hostsOf()
    await hosts.start(smallRecipe("0"), new Told(), new AbortController().signal)
    await hosts.close()
    const said = await cellfanWith(configured, "clean")
    expect(said.stderr).to.equal("")
    expect(said.stdout).to.match(
      /^In the configured storage: deleted 0 temporary objects \(0 B\)\.\nGave back on aws_ec2: worker i-\w+ \(t3\.medium\), worker i-\w+ .*, security group cellfan-workers \(sg-\w+\)\.\n$/,
    )
    expect((await cellfanWith(configured, "clean")).stdout).to.match(/\nThere was nothing on aws_ec2\.\n$/)
    shim.failures.push({
      action: "DescribeInstances",
      code: "UnauthorizedOperation",
      message: "No.",
      status: 403,
    })
    const refused = await cellfanWith(configured, "clean")
    expect(refused.code).to.equal(1)
    expect(refused.stdout).to.match(/^In the configured storage: deleted 0/)
    expect(refused.stderr).to.match(
      /^The machines of aws_ec2 could not be cleaned: EC2 in \S+ could not list instances: .* they lack ec2:DescribeInstances; `cellfan ec2 policy` prints/,
    )
    rmSync(folder, { recursive: true })
  })

  it("prints the rights that are needed, as IAM takes them", async () => {
    const { Version, Statement } = JSON.parse((await cellfan("ec2", "policy")).stdout)
    expect(Version).to.equal("2012-10-17")
    expect(Statement.map((one: { Sid: string }) => one.Sid)).to.include("LaunchWithOurTags")
    const own = (await cellfan("ec2", "policy", "--role", "arn:aws:iam::123456789012:role/mine")).stdout
    expect(own).to.include("role/mine").and.include("iam:PassRole")
  })

  it("says what it takes", async () => {
    const wrong = await cellfan("vm", "show")
    expect([wrong.code, wrong.stderr]).to.deep.equal([
      1,
      "cellfan vm takes list, clean, or delete with ids of instances, but got show.\n",
    ])
  })
})
