const pending = Promise.resolve(1)
const task = async () => await pending
