const hidden = Symbol("hidden")
class Box {
  accessor width = 2
  get area() { return this.width ** 2 }
  set area(value: number) { this.width = Math.sqrt(value) }
  [hidden]() { return "symbol" }
  ["com" + "puted"]() { return "text" }
  static [Symbol.hasInstance](other: unknown) { return other === 1 }
  *[Symbol.iterator]() { yield this.width }
}
const task = () => { const box = new Box(); box.area = 9; return [box.width, box[hidden](), (box as any).computed(), (1 as any) instanceof Box, [...box]] }
