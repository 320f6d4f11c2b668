import { expect } from "chai"
import type { Platform } from "../../../kernel-ext/backends/serverless/platform.ts"
import { messageOf, PlatformExecutor } from "./jobs.ts"

/** What all platforms do whose functions answer a call with one value, and are killed for none of their tasks. */
export function runsFunctions(
  make: (more?: { env: Readonly<Record<string, string>> }) => Platform,
  /** Instances that were started for functions with such an environment: all of them, or those of the newest function. */
  started: () => number | undefined,
): void {
  it("keeps its instance when a task throws, exits or runs too long", async () => {
    await using fexec = new PlatformExecutor(make({ env: { MARK: "kept" } }), { workers: 1 })
    await fexec.map(() => 1, [1])
    const before = started()
    const bad = (n: number) => {
      if (n === 1) throw new RangeError("one")
      if (n === 2) process.exit(3)
      if (n === 3) for (;;) {}
      return n
    }
    const settled = await fexec.map(bad, [0, 1, 2, 3], { chunkSize: 1, timeoutMs: 500 }).settled()
    expect(settled.map(({ status }) => status)).to.deep.equal([
      "fulfilled",
      ...["rejected", "rejected", "rejected"],
    ])
    expect(before).to.be.greaterThan(0)
    expect(started()).to.equal(before)
  })

  it("tells of results that are too large, where there is no storage", async () => {
    const platform = make()
    await using fexec = new PlatformExecutor(platform)
    expect(await messageOf(fexec.map(() => "x".repeat(2_000_000), [1]))).to.include(
      `the result has 2.0 MB, ${platform.title}'s answers have room for 0.8, and storage did not take it`,
    )
  })
}
