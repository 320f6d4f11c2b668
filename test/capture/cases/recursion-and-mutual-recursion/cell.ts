function even(n: number): boolean { return n === 0 || odd(n - 1) }
function odd(n: number): boolean { return n !== 0 && even(n - 1) }
const factorial = (n: number): number => (n > 0 ? n * factorial(n - 1) : 1)
const inner = function self(n: number): number { return n === 0 ? 0 : 1 + self(n - 1) }
const inputs = [3, 4]
const task = (n: number) => [even(n), factorial(n), inner(n)]
