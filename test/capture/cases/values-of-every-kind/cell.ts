const unique = Symbol("unique")
const bytes = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8])
const values: any = {
  nothing: undefined, nan: NaN, minusZero: -0, sparse: [1, , 3], big: 2n ** 70n, date: new Date(5), invalid: new Date(NaN),
  pattern: /a(b)/gi, map: new Map<any, any>([[{ a: 1 }, new Set([1])]]), floats: new Float32Array([1.5, 2]), buffer: bytes.buffer,
  view: new DataView(bytes.buffer, 2, 4), sub: bytes.subarray(1, 3), node: Buffer.from("hi"), bigs: new BigInt64Array([5n]),
  error: Object.assign(new TypeError("m", { cause: new RangeError("c") }), { code: "E1" }),
  many: new AggregateError([new Error("one")], "several"), url: new URL("http://a/b?c=1"), params: new URLSearchParams("a=1&a=2"),
  headers: new Headers({ "X-Test": "1" }), known: Symbol.iterator, registered: Symbol.for("q"), unique, [unique]: 1,
  bare: Object.assign(Object.create(null), { k: 1 }), boxed: Object("text"), frozen: Object.freeze({ deep: [1] }),
  dom: new DOMException("stop", "AbortError"), infinite: -Infinity,
}
Object.defineProperty(values, "__proto__", { value: "own", enumerable: true, configurable: true, writable: true })
Object.defineProperty(values, "hidden", { value: 7, enumerable: false })
Object.defineProperty(values, "computed", { get() { return this.date.getTime() + 1 }, enumerable: true, configurable: true })
values.pattern.lastIndex = 2
const check = (v: any) => ({
  nothing: "nothing" in v && v.nothing === undefined, nan: Number.isNaN(v.nan), minusZero: Object.is(v.minusZero, -0), sparse: !(1 in v.sparse) && v.sparse.length === 3,
  big: v.big === 2n ** 70n, date: v.date.getTime() === 5, invalid: Number.isNaN(v.invalid.getTime()), pattern: v.pattern.flags === "gi" && v.pattern.lastIndex === 2,
  map: [...v.map][0][0].a === 1 && [...v.map][0][1].has(1), floats: v.floats instanceof Float32Array && v.floats[0] === 1.5, buffer: v.buffer.byteLength === 8,
  memory: v.view.buffer === v.buffer && v.sub.buffer === v.buffer && v.sub[0] === 2, node: Buffer.isBuffer(v.node) && v.node.toString() === "hi", bigs: v.bigs[0] === 5n,
  error: v.error instanceof TypeError && v.error.cause instanceof RangeError && v.error.code === "E1" && v.error.message === "m",
  many: v.many instanceof AggregateError && v.many.errors[0].message === "one", url: v.url instanceof URL && v.url.searchParams.get("c") === "1",
  params: v.params.getAll("a").length === 2, headers: v.headers.get("x-test") === "1", symbols: v.known === Symbol.iterator && v.registered === Symbol.for("q"),
  unique: v.unique === unique && v[unique] === 1, bare: Object.getPrototypeOf(v.bare) === null && v.bare.k === 1, boxed: typeof v.boxed === "object" && String(v.boxed) === "text",
  frozen: Object.isFrozen(v.frozen) && !Object.isFrozen(v.frozen.deep), proto: Object.hasOwn(v, "__proto__") && v["__proto__"] === "own", hidden: v.hidden === 7 && !Object.keys(v).includes("hidden"),
  computed: v.computed === v.date.getTime() + 1, dom: v.dom instanceof DOMException && v.dom.name === "AbortError", infinite: v.infinite === -Infinity,
})
const wrong = (v: any) => Object.entries(check(v)).filter(([, ok]) => !ok).map(([name]) => name)
const inputs = [values]
const task = (input: any) => ({ captured: wrong(values), input: wrong(input), back: (delete input.computed, delete input.unique, delete input[unique], input) })
// %% after
const [{ captured, input, back }] = results
const lost = Object.entries({ ...check({ ...back, ...Object.getOwnPropertyDescriptors({}) }) })
;[captured, input, back.error.cause.message, back.error.code, back.sparse.length, 1 in back.sparse, back.view.buffer === back.buffer, back.map instanceof Map, Buffer.isBuffer(back.node), back.url.href, back.params.toString(), back.headers.get("x-test"), Object.isFrozen(back.frozen), Object.is(back.minusZero, -0), back.pattern.lastIndex, Object.hasOwn(back, "__proto__"), back.hidden, back.many.errors.length, Object.getPrototypeOf(back.bare)]
