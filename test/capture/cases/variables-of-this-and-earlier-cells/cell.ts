const scale = 3
const helper = (x: number) => x + scale
// %%
let offset = 1
offset = 10
const inputs = [1, 2]
const task = (x: number) => [x * scale, helper(x), offset]
