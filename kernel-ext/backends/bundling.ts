import type { PackageBundle } from "../capture/load/packages.ts"
import { bundlePackages } from "../capture/packages.ts"
import type { Shipment } from "../capture/types.ts"
import { type Cleaned, nothingCleaned } from "../storage/temporary.ts"
import type { Backend, BatchEvents, CleanScope, RunningBatch, TaskBatch } from "./backend.ts"

/**
 * A backend whose workers do not see this machine's files, given batches that bring their npm packages. Nothing of a
 * function runs before its packages are bundled, and nothing of it at all where they cannot be.
 */
export class BundlingBackend implements Backend {
  readonly #backend: Backend
  readonly #onProgress: (text: string) => void
  readonly #bundles = new Map<string, Asked>()

  constructor(backend: Backend, onProgress: (text: string) => void) {
    this.#backend = backend
    this.#onProgress = onProgress
  }

  get name() {
    return this.#backend.name
  }

  get remote() {
    return this.#backend.remote
  }

  get supports() {
    return this.#backend.supports
  }

  get workers() {
    return this.#backend.workers
  }

  get idle() {
    return this.#backend.idle
  }

  get batchMs() {
    return this.#backend.batchMs ?? 10
  }

  get ahead() {
    return this.#backend.ahead ?? 0
  }

  /** For a new job: bundles what its function imports, or finds that nothing has changed since it was bundled. */
  prepare(shipment: Shipment): void {
    if (shipment.imports.length > 0) this.#ask(shipment)
  }

  open(signal: AbortSignal): Promise<void> {
    return this.#backend.open(signal)
  }

  run(batch: TaskBatch, events: BatchEvents): RunningBatch {
    if (batch.shipment.imports.length === 0) return this.#backend.run(batch, events)
    const asked = this.#bundles.get(keyOf(batch.shipment)) ?? this.#ask(batch.shipment)
    return new BatchToBundle(batch, events, this.#backend, asked.bundle)
  }

  forget(jobId: string): void {
    this.#backend.forget(jobId)
  }

  clean(scope: CleanScope): Promise<void> {
    return this.#backend.clean(scope)
  }

  async cleanStorage(scope: CleanScope): Promise<Cleaned> {
    return (await this.#backend.cleanStorage?.(scope)) ?? nothingCleaned
  }

  workerStates() {
    return this.#backend.workerStates?.()
  }

  close(): Promise<void> {
    return this.#backend.close()
  }

  #ask(shipment: Shipment): Asked {
    const { imports, external = [], resolveFrom } = shipment
    const key = keyOf(shipment)
    const known = this.#bundles.get(key)
    if (known?.isBuilding) return known
    const bundle = bundlePackages(imports, { folder: resolveFrom, external, onProgress: this.#onProgress })
    const asked: Asked = { bundle, isBuilding: true }
    this.#bundles.set(key, asked)
    const built = () => {
      asked.isBuilding = false
    }
    // The batches that need it are told of a failure.
    bundle.then(built, built)
    return asked
  }
}

function keyOf({ imports, external = [], resolveFrom }: Shipment): string {
  return JSON.stringify([imports, external, resolveFrom])
}

/** A bundle that is being built or was built, of certain imports from a certain folder. */
interface Asked {
  readonly bundle: Promise<PackageBundle | undefined>
  isBuilding: boolean
}

/** A batch that waits for its packages, and then is the other backend's. */
class BatchToBundle implements RunningBatch {
  readonly #batch: TaskBatch
  readonly #events: BatchEvents
  #running: RunningBatch | undefined
  #isOver = false

  constructor(
    batch: TaskBatch,
    events: BatchEvents,
    backend: Backend,
    bundle: Promise<PackageBundle | undefined>,
  ) {
    this.#batch = batch
    this.#events = events
    bundle.then(
      (packages) => {
        if (!this.#isOver) this.#running = backend.run({ ...batch, packages }, events)
      },
      (error: Error) => this.#end(() => events.closed(error)),
    )
  }

  /** No other worker would have them sooner. */
  get waiting(): number {
    return this.#running?.waiting ?? 0
  }

  takeBack(): void {
    this.#running?.takeBack()
  }

  cancel(indices: readonly number[], graceMs: number): void {
    if (this.#running !== undefined) {
      this.#running.cancel(indices, graceMs)
      return
    }
    const unwanted = new Set(indices)
    const others = [...this.#batch.indices].filter((index) => !unwanted.has(index))
    this.#end(() => {
      if (others.length > 0) this.#events.returned(others, false)
      this.#events.closed()
    })
  }

  #end(tell: () => void): void {
    if (this.#isOver) return
    this.#isOver = true
    tell()
  }
}
