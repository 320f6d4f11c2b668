import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { expect } from "chai"
import { capture } from "../../kernel-ext/capture/capture.ts"
import { load } from "../../kernel-ext/capture/load.ts"
import { perWorker } from "../../kernel-ext/index.ts"

describe("What perWorker builds", () => {
  const make = (name: string) => perWorker(() => ({ name, uses: 0 }))

  it("leaves a function the same in another process, so that its results can be found again", function () {
    this.timeout(30_000)
    const fixture = join(import.meta.dirname, "fixtures/shipment-hash.ts")
    const run = () => execFileSync(process.execPath, ["--import", "tsx", fixture], { encoding: "utf8" })
    const hash = run()
    expect(hash).to.match(/^[0-9a-f]{32}\n$/)
    expect(run()).to.equal(hash)
  })

  it("is one thing for each call, though the builders have the same text", () => {
    const [one, other] = [make("one"), make("other")]
    const { fn } = load(capture(() => [one.name, other.name]).shipment)
    expect(fn()).to.deep.equal(["one", "other"])
  })

  it("is one thing for all functions that refer to it", () => {
    const counter = make("shared")
    const up = load(capture(() => ++counter.uses).shipment)
    const read = load(capture(() => counter.uses).shipment)
    up.fn()
    expect(read.fn()).to.equal(1)
  })

  it("is apart from what another notebook's builder of the same text built in this worker", () => {
    const counter = make("mine")
    const { shipment } = capture(() => ++counter.uses)
    const [mine, theirs] = [load(shipment), load({ ...shipment, origin: "another notebook" })]
    expect([mine.fn(), mine.fn(), theirs.fn()]).to.deep.equal([1, 2, 1])
  })
})
