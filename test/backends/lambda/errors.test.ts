import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import { expect } from "chai"
import type { LambdaOptions } from "../../../kernel-ext/backends/lambda/lambda.ts"
import {
  type BackendError,
  CaptureError,
  type CloudObject,
  ConfigError,
  type JobError,
  type ObjectPartition,
  ServerlessExecutor,
  Storage,
} from "../../../kernel-ext/index.ts"
import { makeCertificate, openssl } from "../../support/certificate.ts"
import { failureOf } from "../../support/failure.ts"
import { need } from "../../support/needs.ts"
import {
  type LambdaShim,
  type ShimCall,
  type ShimError,
  startLambdaShim,
} from "../../support/servers/lambda-shim.ts"
import { freePort } from "../../support/servers/server-process.ts"
import { startWeb } from "../../support/servers/web.ts"
import { TestExecutor } from "./executor.ts"

const one = (n: number) => n + 1
const keys = () => ({ accessKeyId: "test", secretAccessKey: "test" })

/** Every error of Lambda, what a user reads of it, and whether it is tried again. */
describe("What goes wrong on Lambda", () => {
  let shim: LambdaShim
  let fexec: TestExecutor
  beforeEach(async () => {
    shim = await startLambdaShim()
    fexec = new TestExecutor(shim.url, { workers: 4, firstPauseMs: 10 })
  })
  afterEach(async () => {
    await fexec.close()
    await shim.stop()
  })

  /** What fails while the function is deployed. */
  const deploying: [string, ShimError, string, RegExp][] = [
    [
      "wrong keys",
      { status: 403, type: "UnrecognizedClientException", message: "The security token is invalid." },
      "credentials",
      /the keys are not right; look at accessKeyId/,
    ],
    [
      "expired keys",
      { status: 403, type: "ExpiredTokenException", message: "expired" },
      "credentials",
      /have expired; log in again/,
    ],
    [
      "missing rights",
      {
        status: 403,
        type: "AccessDeniedException",
        message: "User is not authorized to perform: lambda:GetFunctionConfiguration",
      },
      "access-denied",
      /`cellfan lambda policy` prints the rights/,
    ],
    [
      "rights to hand over the role",
      {
        status: 403,
        type: "AccessDeniedException",
        message: "User: x is not authorized to perform: iam:PassRole on resource: y",
      },
      "access-denied",
      /may not hand the role to Lambda \(iam:PassRole\)/,
    ],
    [
      "a role that Lambda cannot assume",
      {
        status: 400,
        type: "InvalidParameterValueException",
        message: "The role defined for the function cannot be assumed by Lambda.",
      },
      "role",
      /its trust policy must name lambda.amazonaws.com/,
    ],
    [
      "more memory than the account may have",
      {
        status: 400,
        type: "InvalidParameterValueException",
        message:
          "'MemorySize' value failed to satisfy constraint: Member must have value less than or equal to 3008",
      },
      "quota",
      /take a smaller `memoryMiB`/,
    ],
    [
      "no room for code",
      { status: 400, type: "CodeStorageExceededException", message: "Code storage limit exceeded." },
      "quota",
      /`cellfan clean`/,
    ],
  ]
  for (const [what, error, kind, message] of deploying)
    it(`tells of ${what}, once, and does not try again`, async () => {
      shim.deployErrors.push(error)
      const failed = await failureOf<BackendError>(fexec.callAsync(one, 1))
      expect(failed.kind).to.equal(kind)
      expect(failed.retryable).to.equal(false)
      expect(failed.message).to.match(message).and.match(new RegExp(error.type))
      // What was in the way is gone: the next call deploys.
      expect(await fexec.callAsync(one, 1)).to.equal(2)
    })

  it("holds no key, token or signature in an error, wherever one looks", async () => {
    const secrets = { accessKeyId: "AKIASECRET", secretAccessKey: "a-secret-key", sessionToken: "a-token" }
    const access = { region: "us-east-1", endpoint: shim.url, keys: () => secrets }
    await using other = new TestExecutor(shim.url, { access })
    shim.deployErrors.push({ status: 403, type: "AccessDeniedException", message: "no" })
    const deploying = await failureOf(other.callAsync(one, 1))
    shim.calls.push({ kind: "error", error: { status: 403, type: "AccessDeniedException", message: "no" } })
    const calling = await failureOf(other.callAsync(one, 1))
    for (const error of [deploying, calling]) {
      const text = inspect(error, { depth: 30, showHidden: true, getters: true })
      expect(text).to.include("AccessDeniedException")
      expect(text).to.not.match(/AKIASECRET|a-secret-key|a-token|Signature=/)
    }
  })

  it("tells of a region that is not set, and of one that there is not", async () => {
    const { AWS_REGION, AWS_DEFAULT_REGION, AWS_CONFIG_FILE } = process.env
    for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION"]) delete process.env[name]
    process.env.AWS_CONFIG_FILE = "/dev/null"
    try {
      const nowhere = new TestExecutor(shim.url, { access: {} })
      expect((await failureOf<BackendError>(nowhere.callAsync(one, 1))).message).to.match(
        /no region is set; set option `region`/,
      )
      await nowhere.close()
    } finally {
      for (const [name, value] of Object.entries({ AWS_REGION, AWS_DEFAULT_REGION, AWS_CONFIG_FILE })) {
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
      }
    }
  })

  it("tells of credentials that there are none of, and of a profile that has none", async () => {
    const names = [
      "AWS_ACCESS_KEY_ID",
      "AWS_SECRET_ACCESS_KEY",
      "AWS_CONFIG_FILE",
      "AWS_SHARED_CREDENTIALS_FILE",
    ]
    const saved = names.map((name) => [name, process.env[name]] as const)
    for (const name of names) delete process.env[name]
    Object.assign(process.env, { AWS_CONFIG_FILE: "/dev/null", AWS_SHARED_CREDENTIALS_FILE: "/dev/null" })
    process.env.AWS_EC2_METADATA_DISABLED = "true"
    try {
      for (const [profile, words] of [
        [undefined, /no credentials were found; run `aws configure`/],
        ["nobody", /the profile "nobody" gives no credentials; look at option `profile`/],
      ] as const) {
        const nobody = new TestExecutor("", { access: { region: "eu-west-1", profile } })
        const failed = await failureOf<BackendError>(nobody.callAsync(one, 1))
        expect(failed.message).to.match(words)
        expect(failed).to.include({ kind: "credentials", retryable: false })
        await nobody.close()
      }
    } finally {
      delete process.env.AWS_EC2_METADATA_DISABLED
      for (const [name, value] of saved)
        if (value === undefined) delete process.env[name]
        else process.env[name] = value
    }
  })

  it("refuses memory that no function can have before anything runs", () => {
    for (const memoryMiB of [64, 20_000])
      expect(() => fexec.map(one, [1], { memoryMiB })).to.throw(
        RangeError,
        `Option \`memoryMiB\` takes an integer from 128 to 10240 on aws_lambda, but got ${memoryMiB}.`,
      )
    expect(() => new ServerlessExecutor({ roleArn: "my-role" })).to.throw(
      ConfigError,
      /takes the ARN of a role/,
    )
    expect(shim.functions.size).to.equal(0)
  })

  /** What stands between here and the service; the address is the SDK's own setting where the option is not given. */
  const unreachable: [string, () => Promise<Partial<LambdaOptions>>, string, RegExp][] = [
    [
      "a region that there is not",
      async () => {
        process.env.AWS_ENDPOINT_URL_LAMBDA = "http://lambda.eu-nowhere-1.invalid"
        return { access: { region: "eu-nowhere-1", keys } }
      },
      "region",
      /Lambda in eu-nowhere-1 could not .*there is no Lambda in a region "eu-nowhere-1"/,
    ],
    [
      "a host that there is not",
      async () => ({ access: { region: "r", endpoint: "http://lambda.invalid", keys } }),
      "setup",
      /there is no host of that name; look at option `endpoint`: .*lambda\.invalid/,
    ],
    [
      "a host on which nothing answers",
      async () => ({ access: { region: "r", endpoint: `http://127.0.0.1:${await freePort()}`, keys } }),
      "network",
      /nothing answers there; look at option `endpoint`, and whether the service runs: .*ECONNREFUSED/,
    ],
  ]
  for (const [what, options, kind, message] of unreachable)
    it(`tells of ${what}`, async () => {
      try {
        const nowhere = new TestExecutor("", await options())
        const failed = await failureOf<BackendError>(nowhere.callAsync(one, 1))
        expect(failed.message).to.match(message)
        expect(failed.kind).to.equal(kind)
        await nowhere.close()
      } finally {
        delete process.env.AWS_ENDPOINT_URL_LAMBDA
      }
    }).timeout(30_000)

  it("tells of a certificate that is not trusted", async function () {
    const certificate = makeCertificate(need(this, openssl.what, openssl.find()))
    const secure = await startWeb(certificate)
    try {
      const untrusting = new TestExecutor(secure.url)
      const failed = await failureOf<BackendError>(untrusting.callAsync(one, 1))
      expect(failed.message).to.match(
        /certificate of the service is not trusted \(\w+\); NODE_EXTRA_CA_CERTS/,
      )
      expect(failed).to.include({ kind: "setup", retryable: false })
      await untrusting.close()
    } finally {
      await secure.stop()
      certificate.remove()
    }
  })

  it("tells of a service that is not reached, having tried again", async () => {
    await fexec.callAsync(one, 1)
    const lost = Array.from(
      { length: 20 },
      (): ShimCall => ({
        kind: "error",
        error: { status: 503, type: "ServiceUnavailable", message: "down" },
      }),
    )
    shim.calls.push(...lost)
    const failed = await failureOf<BackendError>(fexec.callAsync(one, 1))
    expect(failed.kind).to.equal("unavailable")
    expect(failed.message).to.match(/could not call cellfan-512mib-\w+: down \(HTTP 503\)/)
    expect(lost.length - shim.calls.length).to.equal(9)
  }).timeout(60_000)

  it("waits while it is throttled, however often, and spends no attempt", async () => {
    const throttle: ShimCall = {
      kind: "error",
      error: { status: 429, type: "TooManyRequestsException", message: "Rate Exceeded." },
    }
    shim.calls.push(...Array.from({ length: 5 }, () => throttle))
    const task = fexec.callAsync((_: number, ctx) => ctx.attempt, 1)
    expect(await task).to.equal(1)
    expect(shim.calls).to.have.length(0)
  }).timeout(60_000)

  it("counts a task once whose answer was lost", async () => {
    shim.calls.push({ kind: "lost" }, { kind: "lost" })
    const job = fexec.map(one, [1])
    expect(await job).to.deep.equal([2])
    expect(job.counts.done).to.equal(1)
    expect(shim.requestBytes).to.have.length(3)
  })

  it("tells what a task threw, on its own lines", async () => {
    const failed = await failureOf<JobError>(
      fexec.map(() => {
        throw new RangeError("too far")
      }, [1]),
    )
    expect(failed.message).to.include("RangeError: too far")
    expect(failed.errors[0]?.stack).to.include("errors.test.ts")
  })

  it("tells of a task that takes longer than its function has, with the option to raise", async () => {
    const short = new TestExecutor(shim.url, { timeoutMs: 2000 })
    const failed = await failureOf(short.callAsync(() => new Promise(() => {}), 1))
    expect(failed.name).to.equal("TimeoutError")
    expect(failed.message).to.match(
      /still running after 2 s, the function's time \(raise `timeoutMs`, up to 900000\)/,
    )
    await short.close()
  }).timeout(20_000)

  /** What Lambda says in place of an answer. */
  const deaths: [string, object, string, RegExp][] = [
    [
      "an instance that Lambda ended",
      {
        errorType: "Sandbox.Timedout",
        errorMessage: "RequestId: 1 Error: Task timed out after 60.00 seconds",
      },
      "",
      /ended by Lambda after 60 s|after 60 s, the function's time/,
    ],
    [
      "one without memory",
      {
        errorType: "Runtime.ExitError",
        errorMessage: "RequestId: 1 Error: Runtime exited with error: signal: killed",
      },
      "",
      /ran out of memory: the function has 512 MiB \(raise `memoryMiB`/,
    ],
    [
      "one that crashed",
      {
        errorType: "Runtime.ExitError",
        errorMessage: "RequestId: 1 Error: Runtime exited with error: exit status 134",
      },
      "",
      /exit status 134/,
    ],
    [
      "one that could not start",
      { errorType: "Runtime.ImportModuleError", errorMessage: "Error: Cannot find module 'index'" },
      "INIT_REPORT",
      /could not start: Error: Cannot find module 'index'/,
    ],
  ]
  for (const [what, payload, log, message] of deaths)
    it(`tells of ${what}`, async () => {
      shim.calls.push({ kind: "functionError", payload, log }, { kind: "functionError", payload, log })
      expect((await failureOf(fexec.callAsync(one, 1))).message).to.match(message)
    })

  it("names the task that calls process.exit, and runs the others", async () => {
    const job = fexec.map((n: number) => (n === 3 ? process.exit(7) : n), [1, 2, 3, 4], { chunkSize: 4 })
    const failed = await failureOf<JobError>(job)
    expect(failed.errors.map((error) => error.message)).to.deep.equal([
      "Task 2 lost its worker at attempt 2: the process called process.exit(7).",
    ])
    expect(job.counts).to.include({ done: 3, failed: 1 })
  })

  it("refuses a function that would start a map of its own before anything runs, and takes the chain it names instead", async () => {
    const twice = (n: number) => fexec.map((m: number) => 2 * m, [n])
    expect(() => fexec.map(twice, [1])).to.throw(
      CaptureError,
      /`twice` refers to an executor, or imports something else from cellfan, which workers of aws_lambda do not have/,
    )
    const all = (ns: number[]) => fexec.map(one, ns)
    expect(() => fexec.mapReduce(one, [1], all)).to.throw(CaptureError, /`all` refers to an executor/)
    expect(shim.functions.size).to.equal(0)
    expect(await fexec.map((n: number) => 2 * n, fexec.map(one, [1, 2, 3]).tasks)).to.deep.equal([4, 6, 8])
  })

  it("says of files and objects of the notebook's machine that a function does not reach them", async () => {
    const folder = mkdtempSync(join(tmpdir(), "cellfan-here-"))
    try {
      const here = new Storage({ backend: "localhost", storageRoot: folder })
      const object = await here.put("words.txt", "one")
      const reading = await failureOf<JobError>(fexec.map((o: CloudObject) => o.text(), [object]))
      expect(reading.message).to.match(
        /Files of the notebook's machine are not reached from here.* ctx.storage/,
      )
      const parts = here.objects(join(folder, "storage", "*.txt"))
      const found: ObjectPartition[] = []
      for await (const part of parts) found.push(part)
      rmSync(folder, { recursive: true })
      const cut = await failureOf<JobError>(fexec.map((p: ObjectPartition) => p.text(), found))
      expect(cut.message).to.match(/words.txt is not there, on .* upload it to storage that tasks reach/)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  it("says that storage is lacking for what is larger than a call", async () => {
    const storage = () => {
      throw new Error("no bucket can be made")
    }
    const without = new TestExecutor(shim.url, { storage })
    const big = new Uint8Array(6_000_000)
    expect((await failureOf(without.callAsync(() => big.length, 1))).message).to.match(
      /larger than the 4.7 MB.*no bucket can be made/,
    )
    expect((await failureOf(without.callAsync(() => new Uint8Array(6_000_000), 1))).message).to.match(
      /the result has 6.0 MB, Lambda's answers have room for 4.7, and storage did not take it/,
    )
    expect(Math.max(...shim.requestBytes)).to.be.lessThan(6_291_556)
    await without.close()
  })

  it("runs all tasks where fewer instances are to be had than it would like", async () => {
    await shim.stop()
    shim = await startLambdaShim({ concurrency: 2 })
    const greedy = new TestExecutor(shim.url, { workers: 8 })
    const job = greedy.map(
      (n: number) => new Promise((resolve) => setTimeout(() => resolve(n), 20)),
      [...Array(60).keys()],
      { chunkSize: 1 },
    )
    expect(await job).to.deep.equal([...Array(60).keys()])
    expect(shim.throttles).to.be.greaterThan(0)
    expect([...job.tasks].every((task) => task.stats.attempt === 1)).to.equal(true)
    await greedy.close()
  }).timeout(60_000)
})
