const awaited = await Promise.resolve(8)
const plusOne = () => awaited + 1
const task = () => plusOne()
