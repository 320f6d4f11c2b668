import type { NotebookPanel } from "@jupyterlab/notebook"
import type { ListedExecutor, ListedJob, ViewCommand } from "../../../kernel-ext/protocol/job-view.ts"
import { KernelChannel } from "./kernel-channel.ts"

/** A job and where it runs. */
export interface PlacedJob {
  readonly job: ListedJob
  readonly panel: NotebookPanel
  /** False once its kernel is gone. */
  readonly live: boolean
  /** Kernel's clock minus this page's. */
  readonly clockAheadMs: number
}

/** An executor and the notebook of its kernel. */
export interface PlacedExecutor {
  readonly executor: ListedExecutor
  readonly panel: NotebookPanel
}

interface Source {
  jobs: readonly ListedJob[]
  executors: readonly ListedExecutor[]
  live: boolean
  clockAheadMs: number
  send: (command: ViewCommand) => void
}

/** The jobs of all kernels that have a notebook open here. */
export class JobList {
  readonly #sources = new Map<NotebookPanel, Source>()
  readonly #listeners = new Set<() => void>()

  add(panel: NotebookPanel): void {
    const source: Source = { jobs: [], executors: [], live: false, clockAheadMs: 0, send: () => {} }
    this.#sources.set(panel, source)
    const channel = new KernelChannel(
      panel.sessionContext,
      { all: true },
      {
        opened: (send) => {
          source.send = send
        },
        received: (message) => {
          if (message.type !== "jobs") return
          source.jobs = message.jobs
          source.executors = message.executors
          source.live = true
          source.clockAheadMs = message.nowMs - Date.now()
          this.#changed()
        },
        lost: () => {
          source.jobs = []
          source.executors = []
          source.live = false
          this.#changed()
        },
      },
    )
    panel.disposed.connect(() => {
      channel.dispose()
      this.#sources.delete(panel)
      this.#changed()
    })
  }

  /** Running first, then the newest. */
  get jobs(): PlacedJob[] {
    const all: PlacedJob[] = []
    for (const [panel, { jobs, live, clockAheadMs }] of this.#sources) {
      for (const job of jobs) all.push({ job, panel, live, clockAheadMs })
    }
    const running = ({ job }: PlacedJob) => (job.endedAtMs === null ? 1 : 0)
    return all.sort((a, b) => running(b) - running(a) || b.job.startedAtMs - a.job.startedAtMs)
  }

  get executors(): PlacedExecutor[] {
    return [...this.#sources].flatMap(([panel, { executors }]) =>
      executors.map((executor) => ({ executor, panel })),
    )
  }

  /** Ends an executor's workers and removes what they left behind. */
  clean({ executor, panel }: PlacedExecutor): void {
    this.#sources.get(panel)?.send({ type: "clean", executor: executor.id })
  }

  send({ panel }: PlacedJob, command: ViewCommand): void {
    this.#sources.get(panel)?.send(command)
  }

  observe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}
