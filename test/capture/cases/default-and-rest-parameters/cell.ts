const fallback = 4
const inputs = [1]
const task = (x: number, _ctx?: unknown, b = fallback + x, { c = b, ...rest }: any = { d: 1 }, ...more: number[]) => [x, b, c, rest, more]
