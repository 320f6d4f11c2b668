let count = 1
const read = () => count
count = 5
// %%
count++
function bump() { count += 10 }
bump()
const task = () => [read(), count]
