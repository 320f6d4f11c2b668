import { expect } from "chai"
import { jobPicture } from "../../../kernel-ext/kernel/grid/picture.ts"
import { countStates } from "../../../kernel-ext/protocol/job-states.ts"
import type { JobSummary } from "../../../kernel-ext/protocol/job-view.ts"

function jobOf(states: Uint8Array, name = "resample"): JobSummary {
  const [queued = 0, running = 0, done = 0, failed = 0, cancelled = 0] = countStates(states, states.length)
  return {
    id: "a1b2",
    name,
    executor: "LocalhostExecutor",
    backend: "localhost",
    workers: 4,
    size: states.length,
    sized: true,
    counts: { queued, running, done, failed, cancelled },
    startedAtMs: 0,
    endedAtMs: 12_300,
    failures: [],
  }
}

/** Numbers that look random and are the same each time. */
function* noise(): Generator<number> {
  for (let seed = 1; ; seed = (seed * 48_271) % 2_147_483_647) yield seed / 2_147_483_647
}

function mixed(size: number, failShare: number): Uint8Array {
  const random = noise()
  return Uint8Array.from({ length: size }, () => (random.next().value < failShare ? 3 : 2))
}

describe("the picture of a job", () => {
  it("takes a few kilobytes for 100,000 tasks that all did the same", () => {
    const states = new Uint8Array(100_000).fill(2)
    expect(jobPicture(jobOf(states), states, 0).length).to.be.lessThan(2000)
  })

  it("stays under 100 kB for 100,000 tasks however mixed", () => {
    for (const share of [0.001, 0.05, 0.5]) {
      const states = mixed(100_000, share)
      expect(jobPicture(jobOf(states), states, 0).length, `${share} failed`).to.be.lessThan(100_000)
    }
  })

  it("marks each of 123 failures among 100,000 larger than a task's own square", () => {
    const states = mixed(100_000, 0.00123)
    const picture = jobPicture(jobOf(states), states, 0)
    const marks = /<path fill="#e0500a" stroke="#fff"[^>]* d="([^"]*)"/.exec(picture)?.[1] ?? ""
    expect(marks.split("z").length - 1).to.equal(states.filter((code) => code === 3).length)
    expect(marks).to.match(/h5v5h-5z/)
  })

  it("draws every task once, whatever the rows it runs over", () => {
    const states = mixed(777, 0.2)
    const picture = jobPicture(jobOf(states), states, 0)
    const areas = { done: 0, failed: 0 }
    for (const [, state, path = ""] of picture.matchAll(
      /<path fill="url\(#cellfan-a1b2-(\w+)\)" d="([^"]*)"/g,
    )) {
      for (const [, width, height] of path.matchAll(/h(\d+)v(\d+)h-\d+z/g)) {
        areas[state as "done" | "failed"] += Number(width) * Number(height)
      }
    }
    const failed = states.filter((code) => code === 3).length
    expect(areas).to.deep.equal({ done: 777 - failed, failed })
  })

  it("escapes the job's name", () => {
    const states = Uint8Array.of(2)
    const picture = jobPicture(jobOf(states, '</text><script>&"\u0007'), states, 0)
    expect(picture).not.to.include("<script>").and.not.to.include("\u0007")
    expect(picture).to.include("&lt;script&gt;&amp;&quot;")
  })

  it("is a picture also of a job without tasks", () => {
    const states = new Uint8Array(0)
    expect(jobPicture(jobOf(states), states, 0)).to.match(/^<svg .*no tasks yet.*<\/svg>$/)
  })
})
