async function* upTo(n: number) { yield n }
const flowing = upTo(3)
const task = () => flowing.next()
