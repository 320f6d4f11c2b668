import { isMainThread } from "node:worker_threads"

/**
 * The kernel's program: `node kernel.js CONNECTION_FILE`.
 *
 *     main.ts         starts the kernel, or the helper thread when it is loaded there
 *     kernel.ts       puts the parts together
 *     connection.ts   the connection file
 *     wire.ts         messages as signed frames
 *     server.ts       the sockets
 *     thread/         the helper thread, which owns the sockets (map in thread/helper.ts)
 *     handler.ts      which request is served when, and by whom
 *     requests/       one handler per message type
 *     execution.ts    runs and interrupts cells
 *     child-waits.ts  lets an interrupt end what a cell waits for by execSync
 *     publish.ts      output of cells; console.ts brings them what is written to process.stdout and process.stderr,
 *                     descriptors.ts what others write
 *     comms.ts        comms; stdin.ts questions to the user; history.ts what was typed
 *     endings.ts      errors that nobody caught, and the end of the process
 *     cells.ts        the interpreter; magics/ and grid.ts stand on it and on the comms
 */
if (isMainThread) {
  const { startKernel } = await import("./kernel.ts")
  await startKernel(new URL(import.meta.url), process.argv[2])
} else {
  const { runHelper } = await import("./thread/helper.ts")
  await runHelper()
}
