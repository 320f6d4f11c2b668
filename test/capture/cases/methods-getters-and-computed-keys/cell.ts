const key = "dyn" + "amic"
const unit: any = {
  base: 10,
  add(x: number) { return this.base + x },
  get double() { return this.base * 2 },
  set double(value: number) { this.base = value / 2 },
  async soon() { return 1 },
  *each() { yield 1 },
  async *eachSoon() { yield 2 },
  [key]() { return 7 },
  [Symbol.iterator]: function* () { yield 3 },
  "with space"() { return 8 },
  42() { return 9 },
  arrow: (x: number) => x + 1,
}
const task = async () => {
  unit.double = 40
  const soon = []
  for await (const one of unit.eachSoon()) soon.push(one)
  return [unit.add(1), unit.double, await unit.soon(), [...unit.each()], soon, unit.dynamic(), [...unit], unit["with space"](), unit[42](), unit.arrow(1)]
}
