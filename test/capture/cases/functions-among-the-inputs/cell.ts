const base = 100
const inputs = [(x: number) => x + base, Math.sqrt, { f: (x: number) => -x }.f]
const task = (f: (x: number) => number) => f(16)
