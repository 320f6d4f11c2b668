const rate = 1
const older = () => rate
// %%
const rate = 2
const task = () => [older(), rate]
