import { expect } from "chai"
import type { FunctionSize, Platform } from "../../../kernel-ext/backends/serverless/platform.ts"
import type { BackendErrorKind } from "../../../kernel-ext/errors.ts"
import type { Conditions } from "../../support/servers/conditions.ts"
import { backendOn, messageOf, PlatformExecutor } from "./jobs.ts"

/** What goes wrong before a task runs: provoked by options, or by an answer of the platform's. */
export interface Refused {
  readonly kind: BackendErrorKind
  /** What is said, and what can be done. */
  readonly says: RegExp
  /** Before it is opened. */
  plan?(): void
  make(): Platform
}

export interface FailuresOf {
  /** A string says why there is no such thing; docs/serverless.md says it too. */
  readonly refused: Readonly<
    Record<"credentials missing" | "credentials wrong" | "region" | "quota", Refused | string>
  >
  make(more: Partial<FunctionSize>): Platform
  conditions(): Conditions
  /** What is said of instances that do not start. */
  readonly doesNotStart: RegExp
}

/** What every platform says when something goes wrong: a message that names it and what helps. Each is provoked on the platform's server. */
export function tellsOfFailures({ refused, make, conditions, doesNotStart }: FailuresOf): void {
  describe("when something goes wrong", () => {
    afterEach(() => Object.assign(conditions(), normal))
    let normal: Partial<Conditions>
    before(() => {
      const { maxInstances, maxRequestBytes } = conditions()
      normal = { maxInstances, maxRequestBytes, startsFail: false }
    })

    for (const [what, one] of Object.entries(refused))
      if (typeof one !== "string")
        it(`tells of ${what}`, async () => {
          one.plan?.()
          const error = await backendOn(one.make())
            .open()
            .catch((error: Error) => error)
          expect((error as Error).message).to.match(one.says)
          expect(error).to.include({ name: "BackendError", kind: one.kind })
        })

    it("tells of throttling, and waits", async () => {
      const told: string[] = []
      const options = { workers: 14, onProgress: (text: string) => told.push(text) }
      await using fexec = new PlatformExecutor(make({ memoryMiB: 480 }), options)
      await fexec.map((n: number) => n, [0])
      conditions().maxInstances = 2
      const slow = (n: number) => new Promise<number>((resolve) => setTimeout(() => resolve(n), 100))
      const inputs = Array.from({ length: 20 }, (_, i) => i)
      expect(await fexec.map(slow, inputs, { chunkSize: 1 })).to.deep.equal(inputs)
      expect(told.join("\n")).to.match(
        / throttles: \d+ calls run now, the others wait\. .*fewer `workers`, help/,
      )
    })

    it("tells of a task that takes all its function's time", async () => {
      await using fexec = new PlatformExecutor(make({ timeoutMs: 2000 }))
      const forever = () => {
        for (;;) {}
      }
      expect(await messageOf(fexec.map(forever, [1]))).to.match(
        /after 2 s, the function's time \(raise `timeoutMs`, up to \d+\)/,
      )
    })

    it("tells of a task that uses up its function's memory", async () => {
      await using fexec = new PlatformExecutor(make({}))
      const fill = () => {
        const kept: Uint8Array[] = []
        const tick = new Int32Array(new SharedArrayBuffer(4))
        for (;;) {
          kept.push(new Uint8Array(5 * 2 ** 20).fill(1))
          // As fast as a busy machine can still look at it.
          Atomics.wait(tick, 0, 0, 15)
        }
      }
      expect(await messageOf(fexec.map(fill, [1]))).to.match(
        /ran out of memory: the function has \d+ MiB \(raise `memoryMiB`, up to \d+/,
      )
    })

    it("tells of instances that do not start any more", async () => {
      await using fexec = new PlatformExecutor(make({ memoryMiB: 490 }))
      await fexec.map((n: number) => n, [0])
      conditions().startsFail = true
      await conditions().stopInstances()
      expect(await messageOf(fexec.map((n: number) => n, [1]))).to.match(doesNotStart)
    })

    it("tells of a payload that is larger than calls may be, or than the platform took", async () => {
      const platform = make({})
      await using fexec = new PlatformExecutor(platform)
      const send = (length: number) =>
        messageOf(fexec.map((bytes: Uint8Array) => bytes.length, [new Uint8Array(length)]))
      expect(await send(platform.limits.requestBytes)).to.match(
        /larger than the [\d.]+ MB that a call of .* has room for goes by way of storage.*No storage is configured/,
      )
      conditions().maxRequestBytes = 100_000
      expect(await send(200_000)).to.match(/the request is larger than .* configure storage/)
    })
  })
}
