import { expect } from "chai"
import { encodeFrame, FrameReader } from "../../kernel-ext/util/frames.ts"

type Frame = [unknown, Uint8Array[]]

function read(bytes: Uint8Array, pieces: number): Frame[] {
  const frames: Frame[] = []
  const reader = new FrameReader((head, parts) => frames.push([head, parts]))
  for (let at = 0; at < bytes.length; at += pieces) reader.push(bytes.subarray(at, at + pieces))
  return frames
}

const whole = (...frames: Uint8Array[][]) => Buffer.concat(frames.flat())

describe("Frames", () => {
  const small: Frame = [{ type: "run", n: 1 }, [Uint8Array.of(1, 2, 3), new Uint8Array(0), Uint8Array.of(4)]]
  const large: Frame = [{ type: "report" }, [new Uint8Array(200_000).fill(7)]]
  const bytes = whole(encodeFrame(...small), encodeFrame(...large), encodeFrame({ type: "ready" }, []))

  for (const pieces of [1, 7, 4096, bytes.length])
    it(`come out as they went in, read in pieces of ${pieces} bytes`, () => {
      const frames = read(bytes, pieces)
      expect(frames.map(([head]) => head)).to.deep.equal([
        { type: "run", n: 1 },
        { type: "report" },
        { type: "ready" },
      ])
      expect(frames[0]?.[1].map((part) => [...part])).to.deep.equal([[1, 2, 3], [], [4]])
      expect(frames[1]?.[1][0]?.every((byte) => byte === 7)).to.equal(true)
      expect(frames[1]?.[1][0]).to.have.length(200_000)
    })

  it("come out as they went in where large parts are read into their own memory", () => {
    const frames: Frame[] = []
    const reader = new FrameReader((head, parts) => frames.push([head, parts]))
    for (let at = 0; at < bytes.length; ) {
      const space = reader.space()
      const piece = bytes.subarray(at, at + Math.min(space.length, 70_000))
      space.set(piece)
      reader.filled(piece.length)
      at += piece.length
    }
    expect(frames.map(([head]) => head)).to.deep.equal([small[0], large[0], { type: "ready" }])
    expect(frames[1]?.[1][0]?.every((byte) => byte === 7)).to.equal(true)
  })

  it("keep what JSON does not in their heads", () => {
    const head = {
      bytes: Uint8Array.of(1, 2),
      infinite: Number.POSITIVE_INFINITY,
      list: [undefined, 1],
      text: "\ud800é",
    }
    expect(read(whole(encodeFrame(head, [])), 1000)[0]?.[0]).to.deep.equal(head)
    expect(read(whole(encodeFrame({ text: "\ud800é" }, [])), 1000)[0]?.[0]).to.deep.equal({ text: "\ud800é" })
  })

  it("give each part memory of its own, so that typed arrays can stand on it", () => {
    const [, parts] = read(bytes, 100)[0] as Frame
    for (const part of parts) expect(part.byteOffset).to.equal(0)
  })

  it("join small frames into one write and leave large parts where they are", () => {
    expect(encodeFrame(...small)).to.have.length(1)
    const buffers = encodeFrame(...large)
    expect(buffers.at(-1)).to.equal(large[1][0])
  })

  it("refuse what is no frame before they set memory aside for it", () => {
    expect(() => read(Buffer.from("this is no message of ours"), 100)).to.throw(
      RangeError,
      "no beginning of a frame",
    )
  })
})
