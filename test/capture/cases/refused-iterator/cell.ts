const entries = new Map([[1, 2]]).entries()
const task = () => entries.next()
