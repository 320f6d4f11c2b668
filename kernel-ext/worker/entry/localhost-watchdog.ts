import { workerData } from "node:worker_threads"
import { watch } from "../watchdog.ts"

/** The watchdog of a worker process: a file of its own, as each worker loads it at its start, beside the runtime. */
watch(workerData as SharedArrayBuffer)
