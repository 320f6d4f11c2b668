const parent = { hello() { return "parent" } }
const child = { __proto__: parent, hello() { return super.hello() } } as any
const { hello } = child
const task = () => hello()
