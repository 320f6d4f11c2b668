import { expect } from "chai"
import { pairOf } from "./support/pair.ts"

const path = (index: number) => `inputs[${index}]`

describe("The codec", () => {
  const { captured, loaded } = pairOf(() => 1)
  const portable = pairOf(() => 2, { results: "portable" })

  function thereAndBack(value: unknown): unknown {
    const input = loaded.codec.decode(captured.codec.encode(value, "input"))
    const result = captured.codec.decode(loaded.codec.encode(input, "result"))
    const bytes = portable.loaded.codec.encode(result, "result")
    return portable.captured.untrusted.decode(bytes)
  }

  const values: Record<string, unknown> = {
    "numbers that JSON loses": [Number.NaN, -0, Number.POSITIVE_INFINITY, 2 ** 53, -1, 0.1],
    bigints: [0n, -(2n ** 100n), 5n],
    "undefined and null": { a: undefined, b: null },
    "sparse arrays": Object.assign(new Array(5), { 2: "two" }),
    "arrays with names": Object.assign([1, 2], { name: "list" }),
    "lone surrogates": ["\ud800", "é", "漢", "\0"],
    "nested maps and sets": new Map<unknown, unknown>([[new Set([1]), new Map([["a", [1]]])]]),
    "an invalid date": new Date(Number.NaN),
    "boxed primitives": [Object(1), Object("a"), Object(false), Object(1n)],
    "a resizable amount of depth": [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]],
  }

  for (const [name, value] of Object.entries(values)) {
    it(`keeps ${name}, in every form`, () => {
      expect(thereAndBack(value)).to.deep.equal(value)
    })
  }

  it("keeps the few plain values of a small batch, whichever way they go", () => {
    const plain = ["", "\ud800 é", "x".repeat(5000), 0, -0, 1.5, Number.NaN, true, null, undefined, 10n]
    const lists = [
      ...plain.map((one) => [one]),
      plain,
      [1, "two", false, null],
      Array.from({ length: 100 }, (_, i) => i),
    ]
    for (const list of lists) {
      const there = loaded.codec.decodeEach(captured.codec.encodeEach(list, path))
      const back = captured.codec.decodeEach(loaded.codec.encodeEach(there, path))
      expect(back).to.have.length(list.length)
      expect(back.every((value, i) => Object.is(value, list[i]))).to.equal(true)
    }
  })

  it("keeps keys in their order, with flags, symbols and null prototypes", () => {
    const value = Object.create(null)
    value.b = 1
    Object.defineProperty(value, "a", { value: 2, enumerable: false, writable: false, configurable: true })
    value[Symbol.for("s")] = 3
    const back = thereAndBack(value) as object
    expect(Reflect.ownKeys(back)).to.deep.equal(["b", "a", Symbol.for("s")])
    expect(Object.getOwnPropertyDescriptor(back, "a")).to.include({ enumerable: false, writable: false })
    expect(Object.getPrototypeOf(back)).to.equal(null)
  })

  it("keeps frozen, sealed and closed objects as they are", () => {
    const [frozen, sealed, closed] = thereAndBack([
      Object.freeze({ a: 1 }),
      Object.seal({ a: 1 }),
      Object.preventExtensions({ a: 1 }),
    ]) as object[]
    expect(Object.isFrozen(frozen)).to.equal(true)
    expect(Object.isSealed(sealed) && !Object.isFrozen(sealed)).to.equal(true)
    expect(Object.isExtensible(closed)).to.equal(false)
    expect(Object.isSealed(closed)).to.equal(false)
  })

  class Note {
    text = "kept"
  }
  const noted = pairOf(() => new Note())
  const inNotebook = (value: unknown) =>
    noted.loaded.codec.decode(noted.captured.codec.encode(value, "input"))
  const numbers = () => Array.from({ length: 300 }, (_, index) => index)

  const onLongArrays: Record<string, [add: (array: unknown[]) => void, check: (back: never) => unknown]> = {
    "an instance of a class": [
      (array) => Object.assign(array, { note: new Note() }),
      ({ note }: { note: Note }) => note.constructor !== Object,
    ],
    "a hidden property": [
      (array) => Object.defineProperty(array, "hidden", { value: 1 }),
      (back: object) => Object.getOwnPropertyDescriptor(back, "hidden")?.enumerable === false,
    ],
    "a symbol's property": [
      (array) => Object.assign(array, { [Symbol.for("s")]: 1 }),
      (back: object) => Reflect.get(back, Symbol.for("s")) === 1,
    ],
    "a plain property": [
      (array) => Object.assign(array, { total: 5 }),
      ({ total }: { total: number }) => total === 5,
    ],
    holes: [(array) => delete array[7], (back: object) => !(7 in back)],
  }
  for (const [name, [add, check]] of Object.entries(onLongArrays)) {
    it(`keeps ${name} on a long array`, () => {
      const array = numbers()
      add(array)
      const back = inNotebook(array) as unknown[]
      expect(check(back as never)).to.equal(true)
      expect(back).to.have.length(300)
    })
  }

  it("keeps accessors, write protection and setters of single objects among many", () => {
    const many: object[] = Array.from({ length: 20_000 }, (_, id) => ({ id }))
    many[19_000] = Object.defineProperty({ id: 1 }, "id", { writable: false })
    many[19_001] = { set only(_value: unknown) {} }
    many[19_002] = {
      get now() {
        return 1
      },
    }
    const back = inNotebook(many) as object[]
    expect(Object.getOwnPropertyDescriptor(back[19_000], "id")?.writable).to.equal(false)
    expect(Object.getOwnPropertyDescriptor(back[19_001], "only")?.set).to.be.a("function")
    expect(Object.getOwnPropertyDescriptor(back[19_002], "now")?.get).to.be.a("function")
  })

  it("keeps a chain of a hundred thousand links", () => {
    let chain: { next: unknown } | undefined
    for (let link = 0; link < 100_000; link++) chain = { next: chain }
    let length = 0
    for (let at = thereAndBack(chain) as typeof chain; at !== undefined; at = at.next as typeof chain)
      length++
    expect(length).to.equal(100_000)
  })

  it("keeps memory that views share shared, and only the used part of a pool", () => {
    const bytes = new Uint8Array(10_000).map((_, index) => index)
    const [head, tail] = thereAndBack([bytes.subarray(0, 5000), bytes.subarray(4999)]) as Uint8Array[]
    if (head === undefined || tail === undefined) throw new Error("Two views went in")
    head[4999] = 77
    expect(tail[0]).to.equal(77)
    const pooled = captured.codec.encode(Buffer.from("small"), "input")
    expect(pooled.bytes.byteLength).to.be.lessThan(200)
  })

  it("sends what an array held when it was encoded, whatever is written to it later", () => {
    const array = new Float64Array(5000).fill(1)
    const encoded = captured.codec.encode(array, "extraArgs")
    array.fill(2)
    const input = loaded.codec.decode(encoded) as Float64Array
    expect(input[4999]).to.equal(1)
  })

  it("sends large arrays beside the graph and aligned", () => {
    const encoded = captured.codec.encode({ a: new Float64Array(1000), b: new ArrayBuffer(5000) }, "input")
    expect(encoded.blobs.map((blob) => blob.byteLength)).to.deep.equal([5000, 8000])
    const shifted = encoded.blobs.map((blob) => {
      const room = new Uint8Array(blob.byteLength + 1)
      room.set(blob, 1)
      return room.subarray(1)
    })
    const decoded = loaded.codec.decode({ bytes: encoded.bytes, blobs: shifted }) as { a: Float64Array }
    expect(decoded.a).to.have.length(1000)
  })

  it("makes an object that stands in two inputs two, and one that stands twice in an input one", () => {
    const shared = { count: 0 }
    const inputs = loaded.codec.decodeEach(captured.codec.encodeEach([[shared, shared], [shared]], path))
    const [[first, second], [third]] = inputs as [[object, object], [object]]
    expect(first).to.equal(second)
    expect(first).not.to.equal(third)
  })

  it("makes large memory that stands in two inputs two, and such that two views of an input share one", () => {
    const memory = new Float64Array(1000)
    const view = memory.subarray(500)
    const inputs = loaded.codec.decodeEach(captured.codec.encodeEach([[memory, view], [memory]], path))
    const [[first, part], [second]] = inputs as [[Float64Array, Float64Array], [Float64Array]]
    expect(first.buffer).to.equal(part.buffer)
    expect(first.buffer).not.to.equal(second.buffer)
  })

  it("names the way to what cannot be sent", () => {
    const inputs = [1, { list: [new Map([["key", Promise.resolve()]])] }]
    expect(() => captured.codec.encodeEach(inputs, path)).to.throw(
      '`inputs[1]` → `list` → `0` → `get("key")`: a Promise cannot be sent; await it first',
    )
  })

  it("says that a value is too large for one message", () => {
    // Untouched pages of memory cost nothing.
    const inputs = { large: new Uint8Array(2 ** 31) }
    expect(() => captured.codec.encode(inputs, "extraArgs")).to.throw(
      "`extraArgs` is too large to be sent (a binary value of 2.0 GiB; 2 GiB are taken); send a path or a URL, and read it there",
    )
  })

  it("runs no getter of an input twice", () => {
    let calls = 0
    const value = {
      get once() {
        return ++calls
      },
    }
    captured.codec.encode(value, "input")
    expect(calls).to.equal(0)
  })
})
