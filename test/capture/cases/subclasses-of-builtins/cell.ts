class Registry extends Map<string, number> { total() { let sum = 0; for (const n of this.values()) sum += n; return sum } }
class Failure extends Error { code: number; constructor(message: string, code: number) { super(message); this.code = code; this.name = "Failure" } }
class Stack<T> extends Array<T> { top() { return this[this.length - 1] } }
class Bag extends Set<number> { has2() { return this.has(2) } }
const registry = new Registry([["a", 2], ["b", 3]])
const stack = Stack.from([1, 2]) as Stack<number>
const task = () => [registry.total(), stack.top(), new Bag([2]).has2(), registry, stack, new Failure("e", 3)]
// %% after
const [r] = results
;[r.slice(0, 3), r[3] instanceof Registry, r[3].get("b"), r[4] instanceof Stack, r[4].top(), r[5] instanceof Failure, r[5].code, r[5].message]
