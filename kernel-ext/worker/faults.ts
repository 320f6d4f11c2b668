import { inspect } from "node:util"
import { currentTask } from "./context.ts"
import type { Runtime, Send } from "./runtime.ts"

/**
 * Errors that no promise of a task carries, and the end of the process. The host learns from here which task it was;
 * where a process dies without a word, it has to work that out from the signal.
 */
export function handleFaults(runtime: Runtime, send: Send): void {
  process.on("uncaughtException", blame)
  process.on("unhandledRejection", blame)
  // An interrupt from the terminal goes to the whole process group; what it means for tasks is the kernel's to say.
  process.on("SIGINT", () => {})
  process.on("exit", (code) => {
    runtime.running?.task.end()
    runtime.flush()
    send({
      type: "exiting",
      position: runtime.running?.position,
      reason: `called process.exit(${code})`,
    })
  })

  function blame(error: unknown): void {
    const task = currentTask.getStore() ?? runtime.running?.task
    if (task?.fail !== undefined) task.fail(error)
    else if (task !== undefined)
      task.output.write("stderr", `Uncaught after the task had ended: ${inspect(error)}\n`)
    else process.stderr.write(`Uncaught outside of any task: ${inspect(error)}\n`)
  }
}
