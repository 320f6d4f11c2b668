import { expect } from "chai"
import { userPolicy } from "../../../kernel-ext/backends/lambda/policy.ts"
import { openExecutors } from "../../../kernel-ext/executors/observe.ts"
import { type BackendError, ServerlessExecutor } from "../../../kernel-ext/index.ts"
import { failureOf } from "../../support/failure.ts"
import { need } from "../../support/needs.ts"
import { ministack, startMinistack } from "../../support/servers/ministack.ts"
import type { Server } from "../../support/servers/server-process.ts"

type Policy = ReturnType<typeof userPolicy>

/** The server takes "*" for the resource of CreateFunction, since the name stands in the request's body; IAM takes the function. */
const aroundTheServer = { Sid: "Server", Effect: "Allow", Action: ["lambda:CreateFunction"], Resource: "*" }

async function rootOf({ url }: Server) {
  const iam = await import("@aws-sdk/client-iam")
  const credentials = { accessKeyId: "test", secretAccessKey: "test" }
  return { iam, root: new iam.IAMClient({ region: "us-east-1", endpoint: url, credentials }) }
}

/**
 * The server checks signature, action, resource and condition of every request, those of functions included; not iam:PassRole, which is none.
 */
describe("The rights that `cellfan lambda policy` prints", function () {
  this.timeout(60_000)
  let server: Server
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = process.env
  before(async function () {
    server = await startMinistack(need(this, ministack.what, ministack.find()), { AUTH: "true" })
  })
  afterEach(() => {
    Object.assign(process.env, { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY })
    if (AWS_ACCESS_KEY_ID === undefined) delete process.env.AWS_ACCESS_KEY_ID
    if (AWS_SECRET_ACCESS_KEY === undefined) delete process.env.AWS_SECRET_ACCESS_KEY
  })
  after(() => server?.stop())

  /** An executor of somebody who may do what the policy says, and nothing else. */
  async function executorOf(name: string, policy: Policy): Promise<ServerlessExecutor> {
    const { iam, root } = await rootOf(server)
    await root.send(new iam.CreateUserCommand({ UserName: name }))
    const PolicyDocument = JSON.stringify(policy)
    await root.send(new iam.PutUserPolicyCommand({ UserName: name, PolicyName: "cellfan", PolicyDocument }))
    const { AccessKey } = await root.send(new iam.CreateAccessKeyCommand({ UserName: name }))
    root.destroy()
    process.env.AWS_ACCESS_KEY_ID = AccessKey?.AccessKeyId
    process.env.AWS_SECRET_ACCESS_KEY = AccessKey?.SecretAccessKey
    const place = { endpoint: server.url, region: "us-east-1" }
    return new ServerlessExecutor({ ...place, memoryMiB: 512, namespace: name })
  }

  const needed: [string, RegExp][] = [
    ["lambda:GetFunctionConfiguration", /Lambda in .* could not look for the function cellfan-/],
    [
      "iam:GetRole",
      /could not find or make the role cellfan-lambda, .* \(option `roleArn` names another one\)/,
    ],
    ["iam:CreateRole", /could not find or make the role cellfan-lambda/],
    ["lambda:CreateFunction", /could not create the function cellfan-/],
    ["lambda:InvokeFunction", /could not call cellfan-/],
    ["s3:PutObject", /goes by way of storage, which did not take it/],
  ]
  for (const [index, [action, doing]] of needed.entries())
    it(`include ${action}: without it, what was being done and what lacks are named`, async () => {
      const { Version, Statement } = userPolicy()
      const left = [...Statement, aroundTheServer].map((one) => ({
        ...one,
        Action: [one.Action].flat().filter((it) => it !== action),
      }))
      const policy = { Version, Statement: left.filter(({ Action }) => Action.length > 0) } as Policy
      await using fexec = await executorOf(`without${index}`, policy)
      const big = new Float64Array(900_000)
      const { message } = await failureOf<BackendError>(fexec.callAsync((n: number) => big.length + n, 1))
      expect(message).to.match(doing).and.include(action)
    })

  it("include those to give the role its own, which are given where a role was left without them", async () => {
    const policy = userPolicy()
    const statements = [...policy.Statement, aroundTheServer]
    const left = statements.map((one) => ({
      ...one,
      Action: [one.Action].flat().filter((it) => it !== "iam:PutRolePolicy"),
    }))
    const role = { RoleName: "cellfan-lambda", PolicyName: "cellfan-lambda" }
    const { iam, root } = await rootOf(server)
    await root.send(new iam.DeleteRolePolicyCommand(role)).catch(() => {})
    await root.send(new iam.DeleteRoleCommand(role)).catch(() => {})
    await using without = await executorOf("without-put", { ...policy, Statement: left } as Policy)
    const one = (n: number) => n + 1
    // The role is there by the second time, and still may do nothing.
    for (const _ of ["made", "found"])
      expect((await failureOf<BackendError>(without.callAsync(one, 1))).message).to.match(
        /could not find or make the role cellfan-lambda, .*they lack iam:PutRolePolicy/,
      )
    await using fexec = await executorOf("with-put", { ...policy, Statement: statements })
    expect(await fexec.callAsync(one, 1)).to.equal(2)
    expect((await root.send(new iam.GetRolePolicyCommand(role))).PolicyDocument).to.include("PutObject")
    root.destroy()
  })

  it("are enough to deploy, to run, to go by way of storage, to list and to clean up", async () => {
    const policy = userPolicy()
    await using fexec = await executorOf("ada", {
      ...policy,
      Statement: [...policy.Statement, aroundTheServer],
    })
    expect(await fexec.map((n: number) => n + 1, [1, 2])).to.deep.equal([2, 3])
    // The first that is large is a result: it is the function that makes the bucket.
    expect((await fexec.map((n: number) => new Float64Array(n), [900_000]))[0]?.length).to.equal(900_000)
    const table = new Float64Array(1_000_000).fill(2)
    const add = (row: Float64Array) => row.map((x, i) => x + (table[i] ?? 0))
    const [sum] = await fexec.map(add, [new Float64Array(900_000).fill(1)])
    expect([sum?.length, sum?.at(-1)]).to.deep.equal([900_000, 3])
    const view = openExecutors().find(({ handle }) => handle === fexec)
    expect(await view?.clean("all")).to.deep.equal({ objects: 0, bytes: 0, leftJobs: [] })
  })
})
