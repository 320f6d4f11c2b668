import type { ListedExecutor, ListedJob, ViewCommand } from "../../../kernel-ext/protocol/job-view.ts"
import { KernelChannel } from "./kernel-channel.ts"
import type { KernelPlace, KernelPlaces } from "./kernel-places.ts"

/** A job and where it runs. */
export interface PlacedJob {
  readonly job: ListedJob
  readonly place: KernelPlace
  /** False once its kernel is gone. */
  readonly live: boolean
  /** Kernel's clock minus this page's. */
  readonly clockAheadMs: number
}

/** An executor and where its kernel runs. */
export interface PlacedExecutor {
  readonly executor: ListedExecutor
  readonly place: KernelPlace
}

interface Source {
  readonly channel: KernelChannel
  jobs: readonly ListedJob[]
  executors: readonly ListedExecutor[]
  live: boolean
  clockAheadMs: number
  send: (command: ViewCommand) => void
}

/** The jobs of all kernels that run, open here or not. */
export class JobList {
  readonly #places: KernelPlaces
  readonly #sources = new Map<KernelPlace, Source>()
  readonly #listeners = new Set<() => void>()

  constructor(places: KernelPlaces) {
    this.#places = places
    places.observe(() => this.#look())
    this.#look()
  }

  #look(): void {
    const places = new Set(this.#places.all)
    for (const [place, { channel }] of this.#sources) {
      if (places.has(place)) continue
      channel.dispose()
      this.#sources.delete(place)
    }
    for (const place of places) if (!this.#sources.has(place)) this.#sources.set(place, this.#listen(place))
    this.#changed()
  }

  #listen(place: KernelPlace): Source {
    const source: Omit<Source, "channel"> = {
      jobs: [],
      executors: [],
      live: false,
      clockAheadMs: 0,
      send: () => {},
    }
    const channel = new KernelChannel(
      place.session,
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
    return Object.assign(source, { channel })
  }

  /** Running first, then the newest. */
  get jobs(): PlacedJob[] {
    const all: PlacedJob[] = []
    for (const [place, { jobs, live, clockAheadMs }] of this.#sources) {
      for (const job of jobs) all.push({ job, place, live, clockAheadMs })
    }
    const running = ({ job }: PlacedJob) => (job.endedAtMs === null ? 1 : 0)
    return all.sort((a, b) => running(b) - running(a) || b.job.startedAtMs - a.job.startedAtMs)
  }

  get executors(): PlacedExecutor[] {
    return [...this.#sources].flatMap(([place, { executors }]) =>
      executors.map((executor) => ({ executor, place })),
    )
  }

  /** Ends an executor's workers and removes what they left behind. */
  clean({ executor, place }: PlacedExecutor): void {
    this.#sources.get(place)?.send({ type: "clean", executor: executor.id })
  }

  send({ place }: PlacedJob, command: ViewCommand): void {
    this.#sources.get(place)?.send(command)
  }

  observe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #changed(): void {
    for (const listener of this.#listeners) listener()
  }
}
