import * as path from "node:path"
import { expect } from "chai"
import _ from "lodash"
import { capture, setCellBindings } from "../../kernel-ext/capture/capture.ts"
import { load } from "../../kernel-ext/capture/load.ts"
import { CaptureError } from "../../kernel-ext/errors.ts"
import { half } from "./notebook/deeper/half.ts"
import { bindingsOf, pairOf } from "./support/pair.ts"

let counted = 0
const label = "module variable"

describe("Capture", () => {
  afterEach(() => {
    setCellBindings(undefined)
  })

  it("gives the same shipment while nothing has changed", () => {
    const data = { list: [1, 2], typed: new Float64Array(1000) }
    const fn = () => [data, counted]
    const first = capture(fn)
    expect(capture(fn)).to.equal(first)
    data.typed[999] = 1
    const second = capture(fn)
    expect(second.shipment.hash).not.to.equal(first.shipment.hash)
    expect(second.shipment.code).to.equal(first.shipment.code)
    counted++
    expect(capture(fn).shipment.hash).not.to.equal(second.shipment.hash)
  })

  it("gives equal hashes to functions of equal text and values", () => {
    const make = (n: number) => () => n
    expect(capture(make(1)).shipment.hash).to.equal(capture(make(1)).shipment.hash)
    expect(capture(make(1)).shipment.hash).not.to.equal(capture(make(2)).shipment.hash)
  })

  it("names the function by the path it is given", () => {
    const pending = Promise.resolve()
    const fn = () => pending
    expect(() => capture(fn, { path: "reduceFn" })).to.throw(
      "`reduceFn` → `pending`: a Promise cannot be sent",
    )
    expect(() => capture(fn))
      .to.throw(CaptureError)
      .with.property("path")
      .that.deep.equals(["fn", "pending"])
  })

  it("takes functions only", () => {
    expect(() => capture("x => x" as never)).to.throw(TypeError, "A function is needed; got string")
  })

  it("leaves a variable that its cell has not reached uninitialized", () => {
    setCellBindings({
      folder: import.meta.dirname,
      lookup: (name) => (name === "notYet" ? { kind: "uninitialized" } : undefined),
      scripts: () => [],
    })
    const fn = new Function(
      "try { return notYet } catch (error) { return error.name + ': ' + error.message }",
    )
    const { loaded } = pairOf(fn)
    expect(loaded.fn()).to.equal("ReferenceError: Cannot access 'notYet' before initialization")
  })

  it("reads cells' variables at the call", () => {
    const values = { rate: 1 }
    setCellBindings(bindingsOf(values))
    const fn = new Function("return rate")
    expect(pairOf(fn).loaded.fn()).to.equal(1)
    values.rate = 2
    expect(pairOf(fn).loaded.fn()).to.equal(2)
  })

  it("imports what an import statement bound, and never sends what it holds", () => {
    const trap = new Proxy({}, { ownKeys: () => expect.fail("The module was looked into") })
    setCellBindings({
      folder: import.meta.dirname,
      lookup: (name) =>
        name === "os" ? { kind: "import", specifier: "node:os", name: "*", value: trap } : undefined,
      scripts: () => [],
    })
    const { captured, loaded } = pairOf(new Function("return os.EOL"))
    expect(loaded.fn()).to.equal("\n")
    expect(captured.shipment.imports).to.deep.equal(["node:os"])
  })

  describe("in a plain script", () => {
    it("takes variables, functions, packages and namespaces of its module", () => {
      const fn = (x: number) => [label, half(x), _.sum([1, 2]), path.basename("/a/b")]
      const { captured, loaded } = pairOf(fn)
      expect(loaded.fn(4)).to.deep.equal(["module variable", 2, 3, "b"])
      expect(captured.shipment.imports).to.include.members(["lodash", "node:path"])
    })

    it("keeps a variable shared by two functions shared", () => {
      function counter() {
        let count = 0
        return { increment: () => ++count, get: () => count }
      }
      const [one, other] = [counter(), counter()]
      const fn = () => [one.increment(), one.get(), other.get()]
      expect(pairOf(fn).loaded.fn()).to.deep.equal([1, 1, 0])
    })

    it("maps a stack to the file's own lines", () => {
      const fn = () => {
        throw new Error("here")
      }
      const { captured, loaded } = pairOf(fn)
      const { fn: run } = loaded
      let stack = ""
      try {
        run()
      } catch (error) {
        stack = (error as Error).stack ?? ""
      }
      expect(stack).to.match(/cellfan-[0-9a-f]{32}\.js/)
      const [, frame] = captured.mapStack(stack).split("\n")
      expect(frame).to.match(/^ {4}at fn \(.*capture\.test\.ts:\d+:\d+\)$/)
    })
  })

  it("leaves a stack that it does not know as it is", () => {
    const { captured } = pairOf(() => 3)
    const stack = "Error: elsewhere\n    at f (file:///somewhere/else.js:1:2)\nno frame"
    expect(captured.mapStack(stack)).to.equal(stack)
  })

  it("gives two functions of one shipment the classes of the first in later messages", () => {
    class Money {
      cents = 1
    }
    const { captured, loaded } = pairOf((x: unknown) => x)
    const decode = () => loaded.codec.decodeEach(captured.codec.encodeEach([new Money()], () => "input"))
    const [[first], [second]] = [decode(), decode()] as [[object], [object]]
    expect(first.constructor).to.equal(second.constructor)
    expect(captured.codec.decode(loaded.codec.encode(first, "result"))).to.be.instanceOf(Money)
  })

  it("tells every worker of a class that only inputs know, whichever one got the first of them", () => {
    class Money {
      cents = 1
    }
    const { captured, loaded } = pairOf((x: unknown) => x)
    const other = load(captured.shipment)
    const encode = () => captured.codec.encodeEach([new Money()], () => "input")
    loaded.codec.decodeEach(encode())
    const [money] = other.codec.decodeEach(encode()) as [Money]
    expect(money.constructor.name).to.equal("Money")
    expect(captured.codec.decode(other.codec.encode(money, "result"))).to.be.instanceOf(Money)
  })

  it("loads the same code for other values without compiling it again", () => {
    const make = (n: number) => () => n
    const [one, two] = [capture(make(1)), capture(make(2))]
    expect(one.shipment.code).to.equal(two.shipment.code)
    expect([load(one.shipment).fn(), load(two.shipment).fn()]).to.deep.equal([1, 2])
  })
})
