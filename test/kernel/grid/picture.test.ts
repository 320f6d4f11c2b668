import { crc32, inflateSync } from "node:zlib"
import { expect } from "chai"
import { jobPicture, jobPng } from "../../../kernel-ext/kernel/grid/picture.ts"
import type { JobSummary } from "../../../kernel-ext/protocol/job-view.ts"

function jobOf(states: Uint8Array, name = "resample"): JobSummary {
  const [queued = 0, running = 0, done = 0, failed = 0, cancelled = 0] = [0, 1, 2, 3, 4].map(
    (code) => states.filter((state) => state === code).length,
  )
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

  it("stays under 100 kB for 100,000 tasks however mixed, with each task as it is", () => {
    for (const share of [0.001, 0.05, 0.5]) {
      const states = mixed(100_000, share)
      const picture = jobPicture(jobOf(states), states, 0)
      expect(picture.length, `${share} failed`).to.be.lessThan(100_000)
      if (share < 0.05) continue
      const [, base64 = ""] = /href="data:image\/png;base64,([^"]*)"/.exec(picture) ?? []
      const image = readPng(Buffer.from(base64, "base64"))
      expect(image.pixels.subarray(0, 100_000).map((pixel) => pixel - 1)).to.deep.equal(states)
    }
  })

  it("marks no failures where marks would hide the rest", () => {
    const states = mixed(100_000, 0.1)
    expect(jobPicture(jobOf(states), states, 0)).not.to.include('stroke="#fff"')
  })

  it("shows as many squares failed as there are tasks failed, where a square stands for several", () => {
    const states = mixed(1_000_000, 0.1)
    const [, base64 = ""] =
      /href="data:image\/png;base64,([^"]*)"/.exec(jobPicture(jobOf(states), states, 0)) ?? []
    const { pixels } = readPng(Buffer.from(base64, "base64"))
    const drawn = pixels.filter((pixel) => pixel > 0)
    expect(drawn.filter((pixel) => pixel === 4).length / drawn.length).to.be.within(0.09, 0.11)
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
    const squares = (color: string) => {
      const [, path = ""] = new RegExp(`stroke="${color}" stroke-width[^>]* d="([^"]*)"`).exec(picture) ?? []
      return [...path.matchAll(/h(\d+)/g)].reduce((sum, [, length]) => sum + Number(length), 0)
    }
    const failed = states.filter((code) => code === 3).length
    expect([squares("#00996b"), squares("#e0500a")]).to.deep.equal([777 - failed, failed])
  })

  it("has nothing that refers to something else, nor a style sheet: what cleans foreign SVG takes those away", () => {
    for (const size of [50, 777, 100_000]) {
      const states = mixed(size, 0.3)
      expect(jobPicture(jobOf(states), states, 0)).not.to.match(/url\(| id=|<style|<defs|<use/)
    }
  })

  it("escapes the job's name", () => {
    const states = Uint8Array.of(2)
    const picture = jobPicture(jobOf(states, '</text><script>&"\u0007'), states, 0)
    expect(picture).not.to.include("<script>").and.not.to.include("\u0007")
    expect(picture).to.include("&lt;script&gt;&amp;&quot;")
  })

  it("is a picture also of a job without tasks", () => {
    const states = new Uint8Array(0)
    expect(jobPicture(jobOf(states), states, 0)).to.match(/^<svg .*0 tasks.*<\/svg>$/)
  })
})

interface Png {
  readonly width: number
  readonly height: number
  /** Of the palette. */
  readonly pixels: Uint8Array
  readonly palette: readonly string[]
}

/** Reads a file of four bits a pixel, checking every sum. */
function readPng(file: Buffer): Png {
  expect(file.subarray(0, 8).toString("latin1")).to.equal("\x89PNG\r\n\x1a\n")
  const chunks = new Map<string, Buffer>()
  for (let at = 8; at < file.length; ) {
    const length = file.readUInt32BE(at)
    expect(crc32(file.subarray(at + 4, at + 8 + length))).to.equal(file.readUInt32BE(at + 8 + length))
    chunks.set(file.toString("latin1", at + 4, at + 8), file.subarray(at + 8, at + 8 + length))
    at += 12 + length
  }
  const header = chunks.get("IHDR") ?? Buffer.alloc(13)
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)]
  expect([...header.subarray(8)]).to.deep.equal([4, 3, 0, 0, 0])
  const packed = inflateSync(chunks.get("IDAT") ?? Buffer.alloc(0))
  const stride = 1 + Math.ceil(width / 2)
  const pixels = new Uint8Array(width * height)
  for (let at = 0; at < pixels.length; at++) {
    const x = at % width
    const byte = packed[Math.floor(at / width) * stride + 1 + (x >> 1)] ?? 0
    pixels[at] = x % 2 === 0 ? byte >> 4 : byte & 15
  }
  const palette = (chunks.get("PLTE") ?? Buffer.alloc(0)).toString("hex").match(/.{6}/g) ?? []
  return { width, height, pixels, palette }
}

describe("the picture of a job as PNG", () => {
  it("has a square a task, each in the colour of its state", () => {
    const states = Uint8Array.from({ length: 100 }, (_, at) => (at === 12 ? 3 : at < 60 ? 2 : 0))
    const { base64, width, height } = jobPng(jobOf(states), states, 0)
    const png = readPng(Buffer.from(base64, "base64"))
    expect([png.width, png.height]).to.deep.equal([2 * width, 2 * height])
    const colorAt = (task: number) => {
      const [x, y] = [(task % 45) * 32 + 4, 120 + Math.floor(task / 45) * 32 + 4]
      return png.palette[png.pixels[y * png.width + x] ?? 0]
    }
    expect([0, 11, 12, 13, 59, 60, 99].map(colorAt)).to.deep.equal([
      "00996b",
      "00996b",
      "e0500a",
      "00996b",
      "00996b",
      "8b95a1",
      "8b95a1",
    ])
  })

  it("says in words what the squares cannot", () => {
    const states = Uint8Array.of(2, 3)
    const inked = (message: string) => {
      const failures = [{ index: 1, name: "RangeError", message }]
      const { base64 } = jobPng({ ...jobOf(states), failures }, states, 0)
      const { pixels, palette } = readPng(Buffer.from(base64, "base64"))
      const words = pixels.filter((pixel) => palette[pixel] === "737b85").length
      const reasons = pixels.filter((pixel) => pixel > 8 && palette[pixel] === "e0500a").length
      return { words, reasons }
    }
    expect(inked("no flights").words).to.be.greaterThan(2000)
    expect(inked("no flights today").reasons).to.be.greaterThan(inked("no flights").reasons + 200)
  })

  it("takes a few kilobytes for 100,000 tasks that all did the same, and under 100 kB however mixed", () => {
    const length = (states: Uint8Array) => jobPng(jobOf(states), states, 0).base64.length
    expect(length(new Uint8Array(100_000).fill(2))).to.be.lessThan(8000)
    expect(length(mixed(100_000, 0.5))).to.be.lessThan(100_000)
  })

  it("is a picture also of a job without tasks, and of one that is named in other letters", () => {
    for (const name of ["x", "日本 Ärger \u0007"]) {
      const states = new Uint8Array(0)
      expect(readPng(Buffer.from(jobPng(jobOf(states, name), states, 0).base64, "base64")).height).to.equal(
        156,
      )
    }
  })
})
