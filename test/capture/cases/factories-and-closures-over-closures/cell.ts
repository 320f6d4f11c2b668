function adder(a: number) { let calls = 0; return (x: number) => { calls++; return a + x + calls } }
const compose = (...fs: ((x: number) => number)[]) => (x: number) => fs.reduce((value, f) => f(value), x)
const both = compose(adder(1), adder(10), compose((x) => x * 2))
const inputs = [1]
const task = (x: number) => both(x)
