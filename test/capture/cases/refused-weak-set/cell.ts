const seen = { all: new WeakSet() }
const task = () => seen.all.has({})
