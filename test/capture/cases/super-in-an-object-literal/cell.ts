const parent = { hello() { return "parent" } }
const child = { __proto__: parent, hello() { return super.hello() + " and child" } } as any
const task = () => child.hello()
