import { broadcast } from "cellfan"
const prices = broadcast(new Float64Array(10_000).fill(2))
const names = broadcast(new Map([["a", 1]]))
const outer = { prices }
const inputs = [3]
const task = (x: number) => [prices[x], outer.prices === prices, names.get("a"), prices.length]
