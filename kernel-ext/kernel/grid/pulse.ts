import type { JobView } from "../../executors/observe.ts"

/** Tells once per turn of the event loop that a job changed, however many of its tasks did: a task costs one comparison here. */
export class Pulse {
  readonly #listeners = new Set<() => void>()
  readonly #stop: () => void
  #told = true

  constructor(job: JobView) {
    this.#stop = job.observe(() => {
      if (!this.#told) return
      this.#told = false
      setImmediate(() => this.#tell())
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
    this.#told = true
    for (const listener of this.#listeners) listener()
  }
}
