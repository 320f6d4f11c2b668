function counter() { let count = 0; return { increment: () => ++count, get: () => count, reset() { count = 0 } } }
const one = counter()
const other = counter()
one.increment()
const task = () => {
  one.increment()
  const first = [one.get(), other.get()]
  other.increment()
  one.reset()
  return [first, one.get(), other.get()]
}
