function counter() { let count = 0; return { increment: () => ++count, get: () => count } }
const pair = [counter(), counter()]
const task = () => { pair[0]!.increment(); return pair.map((one) => one.get()) }
