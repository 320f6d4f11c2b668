import { Worker } from "node:worker_threads"
const thread = new Worker("", { eval: true })
const task = () => thread.threadId
