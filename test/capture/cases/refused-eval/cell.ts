const run = (text: string) => eval(text)
const task = () => run("1 + 1")
