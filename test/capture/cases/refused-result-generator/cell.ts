const task = () => [(function* () { yield 1 })()]
