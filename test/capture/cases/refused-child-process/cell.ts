import { spawn } from "node:child_process"
const child = spawn("true")
const task = () => child.pid
