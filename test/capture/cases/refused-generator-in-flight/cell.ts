function* upTo(n: number) { for (let i = 0; i < n; i++) yield i }
const running = upTo(3)
const task = () => running.next()
