function depth(n: number): string { return n === 0 ? "old" : depth(n - 1) }
const old = depth
// %%
function depth(_n: number): string { return "new" }
const task = () => [old(1), depth(1)]
