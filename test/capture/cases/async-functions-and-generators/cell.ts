async function later(x: number) { await new Promise((resolve) => setTimeout(resolve, 1)); return x * 2 }
function* upTo(n: number) { for (let i = 0; i < n; i++) yield i }
async function* slowly(n: number) { for (let i = 0; i < n; i++) yield i }
const inputs = [2]
const task = async (n: number) => {
  const seen: number[] = []
  for await (const one of slowly(n)) seen.push(one)
  return [await later(n), [...upTo(n)], seen]
}
