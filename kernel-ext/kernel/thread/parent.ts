/** Tells when the process that started the kernel has gone, so that no kernel is left behind by a Jupyter that crashed. */

const POLL_MS = 1000

/** Calls `onGone` once. Returns the way to stop watching. */
export function watchParent(pid: number, onGone: () => void): () => void {
  // A child of the parent is given to another process when the parent ends. Where a launcher stands between the
  // two, only the parent's id can be asked for.
  const isChild = process.ppid === pid
  const timer = setInterval(() => {
    if (isChild ? process.ppid === pid : isAlive(pid)) return
    clearInterval(timer)
    onGone()
  }, POLL_MS)
  return () => clearInterval(timer)
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}
