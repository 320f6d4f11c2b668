import { expect } from "chai"
import { Kind } from "../../kernel-ext/capture/codec/nodes.ts"
import { writePortable } from "../../kernel-ext/capture/codec/portable.ts"
import type { Encoded } from "../../kernel-ext/capture/types.ts"
import { pairOf } from "./support/pair.ts"

/** Mutated frames in a run: a million where CI is set, about ten seconds of one core. */
const frames = Number(process.env.CELLFAN_FUZZ_FRAMES ?? (process.env.CI ? 1_000_000 : 200_000))

class Point {
  x = 1
}

describe("Results of a worker that is not trusted", () => {
  const { captured, loaded } = pairOf(() => new Point(), { results: "portable" })
  const decode = (nodes: unknown[], roots: unknown[] = [[0]]) =>
    captured.untrusted.decode(writePortable({ nodes: nodes as never, roots: roots as never, shared: [] }))

  it("come back as the classes they were", () => {
    const point = captured.untrusted.decode(loaded.codec.encode(loaded.fn(), "result"))
    expect(point).to.be.instanceOf(Point)
  })

  it("are not taken in V8's form", () => {
    const inOwnForm = captured.codec.encode({ a: 1 }, "result")
    expect(() => captured.untrusted.decode(inOwnForm)).to.throw("in the portable form only")
  })

  const attacks: Record<string, [nodes: unknown[], message: RegExp]> = {
    "a function of the platform": [[[Kind.intrinsic, "process"]], /process is not taken/],
    "the prototype of everything, as a value": [[[Kind.intrinsic, "Object.prototype"]], /not taken/],
    "something found by walking": [[[Kind.intrinsic, "constructor.constructor"]], /There is no/],
    "an import": [[[Kind.import, "node:child_process", "exec"]], /cannot have a node of kind/],
    "a function with code": [[[Kind.function, [1], 0]], /cannot have a node of kind/],
    "a number that was never sent": [[[Kind.known, 999]], /was never sent/],
    "a member of something not sent": [
      [
        [Kind.member, [1], "constructor"],
        [Kind.object, undefined, false, []],
      ],
      /not there/,
    ],
    "an accessor": [
      [[Kind.object, undefined, false, ["a", 15, undefined, undefined]]],
      /accessor is not taken/,
    ],
    "a function that await would call": [
      [
        [Kind.object, undefined, false, ["then", 7, [1]]],
        [Kind.known, 0],
      ],
      /named then/,
    ],
    "an endless sparse array": [
      [[Kind.array, undefined, false, 4_000_000_000, undefined, []]],
      /sparse array/,
    ],
    "an object that is its own prototype": [[[Kind.object, [0], false, []]], /needs itself/],
    "a reference to nothing": [[[Kind.object, undefined, false, ["a", 7, [7]]]], /is missing/],
    "the environment": [[[Kind.env]], /not taken/],
  }

  for (const [name, [nodes, message]] of Object.entries(attacks)) {
    it(`may not hold ${name}`, () => {
      expect(() => decode(nodes)).to.throw(message)
    })
  }

  it("have a key named __proto__ as a key", () => {
    const value = decode([
      [Kind.object, undefined, false, ["__proto__", 7, [1]]],
      [Kind.object, undefined, false, ["polluted", 7, true]],
    ]) as object
    expect(Object.hasOwn(value, "__proto__")).to.equal(true)
    expect(Object.getPrototypeOf(value)).to.equal(Object.prototype)
    expect(({} as { polluted?: unknown }).polluted).to.equal(undefined)
  })

  it("may lie about lengths without taking memory", () => {
    const before = process.memoryUsage().arrayBuffers
    const lie = Uint8Array.from([0xce, 9, 0xff, 0xff, 0xff, 0xff, 0x0f, 0])
    expect(() => captured.untrusted.decode({ bytes: lie, blobs: [] })).to.throw("longer than the message")
    expect(process.memoryUsage().arrayBuffers - before).to.be.lessThan(1_000_000)
  })

  it(`survive ${frames.toLocaleString("en")} mutations: an error or a value, nothing else`, function () {
    this.timeout(600_000)
    const prototypes = [Object.prototype, Array.prototype, Map.prototype, Function.prototype, Point.prototype]
    const before = prototypes.map(contents)
    const samples = sampleValues(loaded.fn()).map((value) => loaded.codec.encode(value, "result"))
    const random = generator(20_261_122)
    let refused = 0
    let reached = 0
    // Nobody reads the stacks of a million errors.
    Error.stackTraceLimit = 0
    for (let frame = 0; frame < frames; frame++) {
      const sample = samples[frame % samples.length] as Encoded
      try {
        const value = captured.untrusted.decode({ bytes: mutated(sample.bytes, random), blobs: sample.blobs })
        if (changedItsPrototype(value)) reached++
      } catch (error) {
        if (!(error instanceof Error)) throw new Error("Something else than an error was thrown")
        refused++
      }
    }
    Error.stackTraceLimit = 10
    expect(refused).to.be.greaterThan(frames / 10)
    expect(reached, "objects whose prototype a key named __proto__ has set").to.equal(0)
    expect(prototypes.map(contents)).to.deep.equal(before)
    expect(process.memoryUsage().heapUsed).to.be.lessThan(1_500_000_000)
  })
})

/** Keys and values of a prototype: a member that was replaced counts too. */
function contents(prototype: object): unknown[] {
  return Reflect.ownKeys(prototype).flatMap((key) => {
    const { value, get, set } = Object.getOwnPropertyDescriptor(prototype, key) ?? {}
    return [key, value, get, set]
  })
}

/** Plain objects of the samples below have a mark where one of them is the prototype of another. */
const mark = "isPrototypeNow"

function changedItsPrototype(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return typeof prototype === "object" && prototype !== null && Object.hasOwn(prototype, mark)
}

/** An object whose own keys are those that assignments would take for something else. */
function withKeys(keys: readonly string[]): object {
  const object = {}
  for (const key of keys)
    Object.defineProperty(object, key, {
      value: { [mark]: true },
      enumerable: true,
      configurable: true,
      writable: true,
    })
  return object
}

function sampleValues(point: unknown): unknown[] {
  const cycle: Record<string, unknown> = { name: "cycle" }
  cycle.self = cycle
  return [
    cycle,
    withKeys(["__proto__"]),
    withKeys(["a", "__proto__", "constructor", "prototype", "toString", "valueOf", "then"]),
    [withKeys(["constructor"]), withKeys(["__proto__"])],
    [1, "two", null, undefined, 3n, -0.5],
    new Map<unknown, unknown>([["a", new Set([1, new Date(5)])]]),
    { typed: new Float32Array([1, 2]), buffer: Buffer.from("hi"), pattern: /a+b/giu },
    Object.assign(new RangeError("no", { cause: new Error("why") }), { code: "E" }),
    [point, new URL("http://a/b"), Symbol.iterator, Object(1)],
    Object.freeze({ a: Object.create(null), sparse: Object.assign(new Array(9), { 3: 1 }) }),
  ]
}

/** One to four changes: a byte set, a bit turned, bytes dropped, bytes doubled. */
function mutated(bytes: Uint8Array, random: () => number): Uint8Array {
  let changed = bytes.slice()
  for (let change = random() % 4; change >= 0; change--) {
    const at = random() % changed.length
    switch (random() % 4) {
      case 0:
        changed[at] = random() & 0xff
        break
      case 1:
        changed[at] = (changed[at] ?? 0) ^ (1 << (random() % 8))
        break
      case 2:
        changed = Buffer.concat([changed.subarray(0, at), changed.subarray(at + (random() % 4))])
        break
      case 3:
        changed = Buffer.concat([changed.subarray(0, at), changed.subarray(at >> 1)])
        break
    }
    if (changed.length === 0) return changed
  }
  return changed
}

/** xorshift32: the same mutations in every run. */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return state >>> 0
  }
}
