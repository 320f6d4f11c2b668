class Tree { items = [3, 1]; *[Symbol.iterator]() { yield* this.items } async *slowly() { for (const item of this) yield item } get largest() { return Math.max(...this) } static *numbers() { yield 7 } }
const tree = new Tree()
const key = "com" + "puted"
const table = { *each() { yield 1 }, async [key]() { return "async" }, get size() { return [...this.each()].length }, set size(_n) {} }
const task = async () => { const all = []; for await (const item of tree.slowly()) all.push(item); return [all, tree.largest, [...Tree.numbers()], [...table.each()], await (table as any).computed(), table.size] }
