const bound = function (this: any, a: number, b: number) { return this.k + a + b }.bind({ k: 100 }, 1)
const inputs = [2]
const task = (x: number) => [bound(x), bound.length, bound.name]
