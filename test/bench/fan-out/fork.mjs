import { tasks } from "./tasks.mjs"

process.on("message", ({ name, from, values }) =>
  process.send({ from, values: values.map((x) => tasks[name](x)) }),
)
