const wait = () => new Promise((resolve) => setTimeout(resolve, 1))
async function deep() {
  await wait()
  throw new Error("after waiting")
}
// %%
const task = async () => {
  return await deep()
}
