import type { JobView } from "../../executors/observe.ts"

/**
 * Tells once per turn of the event loop that a job changed, however many of its tasks did.
 * A change of the job itself, its end above all, is told before the code that awaits the job goes on: what its cell puts
 * out after that may come too late for front ends that run notebooks headless.
 */
export class Pulse {
  readonly #listeners = new Set<() => void>()
  readonly #stop: () => void
  #told = true

  constructor(job: JobView) {
    this.#stop = job.observe((indices) => {
      if (indices.length === 0) {
        queueMicrotask(() => this.#tell())
        return
      }
      if (!this.#told) return
      this.#told = false
      setImmediate(() => {
        this.#told = true
        this.#tell()
      })
    })
  }

  listen(listener: () => void): void {
    this.#listeners.add(listener)
  }

  close(): void {
    this.#stop()
    this.#listeners.clear()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
