const seen = new WeakMap()
const task = () => seen.has({})
