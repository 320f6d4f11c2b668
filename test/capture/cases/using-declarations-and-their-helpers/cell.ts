const closed: string[] = []
const open = (name: string) => ({ name, [Symbol.dispose]() { closed.push(name) }, async [Symbol.asyncDispose]() { closed.push(`async ${name}`) } })
const task = async () => {
  { using one = open("one"); await using two = open("two"); closed.push(one.name + two.name) }
  return closed
}
