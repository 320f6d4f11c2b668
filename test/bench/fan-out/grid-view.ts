import type { JobView } from "../../../kernel-ext/executors/observe.ts"
import { Jobs } from "../../../kernel-ext/kernel/grid/jobs.ts"
import { serveView } from "../../../kernel-ext/kernel/grid/session.ts"
import type { Comm } from "../../../kernel-ext/kernel/types.ts"

/**
 * What a notebook's kernel does beside running tasks: each job has a live grid under its cell, and the side panel lists all.
 * Messages are written as the wire would have them, and acknowledged as the front end does.
 */
export function watchAllJobs(onJob: (listener: (job: JobView) => void) => unknown): void {
  const jobs = new Jobs()
  serveView(view(), { all: true }, jobs)
  onJob((job) => {
    jobs.add(job, "1")
    serveView(view(), { job: job.id }, jobs)
  })
}

function view(): Comm {
  let tell: (data: unknown, buffers: readonly Uint8Array[]) => void = () => {}
  return {
    id: "",
    target: "",
    send(data) {
      JSON.stringify(data)
      const { type, sequence } = data as { type: string; sequence?: number }
      if (type === "patch") setImmediate(() => tell({ type: "received", sequence }, []))
    },
    onMessage: (listener) => {
      tell = listener
    },
    onClose: () => {},
    close: () => {},
  }
}
