import { execFileSync, spawn } from "node:child_process"
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { log, logTo } from "./log.ts"

/**
 * Puts pipes in the place of this process's standard output and error, so that what child processes and native code write there
 * comes to the notebook. Node cannot duplicate a descriptor, but a file that is opened gets the lowest number that is free.
 */

export interface Descriptors {
  /** The ends to read from. */
  readonly stdout: number
  readonly stderr: number
  /** What standard error was: for the kernel's own log. */
  readonly log: number
}

/** Undefined where it cannot be done: then such output goes to whoever started the kernel. */
export function replaceStandardOutput(): Descriptors | undefined {
  if (process.platform === "win32") return undefined
  // Made now: Node sets the file behind a stream to non-blocking, which children that share it do not expect.
  void [process.stdout, process.stderr]
  let folder: string | undefined
  try {
    const original = openAgain(2)
    folder = mkdtempSync(join(tmpdir(), "cellfan-kernel-"))
    const names = ["stdout", "stderr"].map((name) => join(folder ?? "", name)) as [string, string]
    execFileSync("mkfifo", names, { stdio: "ignore" })
    const [stdout, stderr] = [replace(1, names[0]), replace(2, names[1])]
    logTo(original)
    return { stdout, stderr, log: original }
  } catch (error) {
    log(`Output of child processes is not shown in notebooks: ${String(error)}`)
    return undefined
  } finally {
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
}

/** Another descriptor of what `descriptor` is. */
function openAgain(descriptor: number): number {
  try {
    return openSync(`/dev/fd/${descriptor}`, constants.O_WRONLY | constants.O_APPEND)
  } catch {
    // A socket, as Node gives to its children, cannot be opened. A child can be given it, that copies what we send.
    const copier = spawn("cat", { stdio: ["pipe", descriptor, descriptor], detached: true })
    copier.on("error", () => {})
    copier.unref()
    const { _handle: handle } = copier.stdin as unknown as { _handle: { fd: number; unref(): void } }
    handle.unref()
    return handle.fd
  }
}

/** Opens `fifo` as `descriptor`, which it closes first. Returns the end to read from. */
function replace(descriptor: number, fifo: string): number {
  const readable = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK)
  closeSync(descriptor)
  const opened = openSync(fifo, constants.O_WRONLY)
  if (opened !== descriptor) throw new Error(`descriptor ${opened} was opened in place of ${descriptor}`)
  return readable
}
