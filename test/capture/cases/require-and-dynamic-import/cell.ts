const task = async () => {
  const { basename } = await import("node:path")
  const os = require("os")
  const lodash = await import("lodash")
  return [basename("/a/b"), typeof os.cpus, lodash.default.sum([1, 2]), lodash.chunk([1, 2, 3], 2)]
}
