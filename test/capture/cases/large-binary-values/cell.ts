const large = new Float64Array(100_000).fill(1.5)
large[99_999] = 2
const inputs = [new Uint8Array(10_000).fill(7), large.subarray(99_998)]
const task = (x: Uint8Array | Float64Array) => [x.length, x[x.length - 1], large[99_999], large.length, large.map((n) => n * 2)]
// %% after
results.map((r: any) => [...r.slice(0, 4), r[4].length, r[4][99_999]])
