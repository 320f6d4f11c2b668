import { expect } from "chai"
import type { AnswerBlock } from "../../kernel-ext/protocol/invocation.ts"
import { BlockReader, encodeBlock } from "../../kernel-ext/util/blocks.ts"
import { randomFor } from "../../kernel-ext/worker/random.ts"

const bytes = (...values: number[]) => Uint8Array.from(values)

const block: AnswerBlock = {
  environment: "aws_lambda:1",
  said: [
    { message: { type: "log", job: 1, index: 2, stream: "stdout", text: "héllo" }, parts: [] },
    {
      message: {
        type: "report",
        batch: 1,
        from: 0,
        count: 2,
        failures: [
          {
            offset: 0,
            name: "E",
            message: "m",
            stack: "s",
            error: { bytes: bytes(1, 2), blobs: [bytes(3)] },
          },
          { offset: 1, name: "F", message: "n", stack: "", error: undefined },
        ],
        slow: [0, 1.5, 100],
        peakMemoryBytes: 5,
        segments: [1],
      },
      parts: [new Uint8Array(32), bytes(7, 8), bytes(9)],
    },
  ],
  end: { durationMs: 3, outcome: { kind: "ran" } },
}

function read(chunks: Iterable<Uint8Array>, maxBytes = 1e6): AnswerBlock[] {
  const blocks: AnswerBlock[] = []
  const reader = new BlockReader(maxBytes, (one) => blocks.push(one))
  for (const chunk of chunks) reader.push(chunk)
  return blocks
}

describe("Blocks of an answer", () => {
  it("come out as they went in, errors with their messages", () => {
    expect(read([encodeBlock(block)])).to.deep.equal([block])
  })

  it("are put together from any pieces", () => {
    const two = Buffer.concat([encodeBlock(block), encodeBlock({ environment: "e", said: [] })])
    for (const size of [1, 3, 7, 64, 1000]) {
      const chunks = Array.from({ length: Math.ceil(two.length / size) }, (_, i) =>
        two.subarray(i * size, (i + 1) * size),
      )
      expect(read(chunks)).to.deep.equal([block, { environment: "e", said: [] }])
    }
  })

  it("have parts of their own memory, as typed arrays need it", () => {
    const [first] = read([encodeBlock(block)])
    for (const { parts } of first?.said ?? []) for (const part of parts) expect(part.byteOffset).to.equal(0)
  })

  it("that are longer than they may be are refused before they are there", () => {
    expect(() => read([encodeBlock(block).subarray(0, 8)], 100)).to.throw(
      RangeError,
      /a part of an answer of \d+ bytes/,
    )
  })

  it("that anybody wrote are read, or refused by an error, and do nothing else", () => {
    const random = randomFor(1, 1)
    let refused = 0
    for (let round = 0; round < 5000; round++) {
      const bad = Buffer.from(encodeBlock(block))
      for (let n = 0; n <= round % 4; n++)
        bad[4 + Math.floor(random() * (bad.length - 4))] = Math.floor(random() * 256)
      try {
        for (const { said } of read([bad]))
          for (const { message } of said)
            expect(message.type).to.be.oneOf(["log", "report", "progress", "ready", "exiting"])
      } catch (error) {
        expect(error).to.satisfy(
          (e: unknown) => e instanceof RangeError || e instanceof TypeError || e instanceof SyntaxError,
        )
        refused++
      }
    }
    expect(refused).to.be.greaterThan(1000)
  })
})
