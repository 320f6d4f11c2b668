import { tasks } from "./tasks.mjs"

export const { noop, cpu, hold, payload } = tasks
