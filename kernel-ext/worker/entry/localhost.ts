import { createRequire } from "node:module"
import { overrideModule } from "../../capture/load.ts"
import { runProcess } from "../process.ts"

/**
 * A worker process of this machine. A task that imports cellfan gets the library that this file was built with, from whichever
 * folder it imports: it may fan out itself.
 */
overrideModule("cellfan", () => createRequire(import.meta.url)("./index.js"))
runProcess(new URL("./worker-watchdog.cjs", import.meta.url))
