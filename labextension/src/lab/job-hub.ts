import type { SavedJob } from "../../../kernel-ext/protocol/job-view.ts"
import { JobModel } from "../model/job-model.ts"
import { KernelChannel } from "./kernel-channel.ts"
import type { KernelSession } from "./session.ts"

interface Held {
  readonly model: JobModel
  readonly channel: KernelChannel | undefined
  uses: number
}

/** The jobs of one session: one model and one comm a job, however many views show it, freed with the last of them. */
export class JobHub {
  readonly #session: KernelSession | undefined
  readonly #held = new Map<string, Held>()

  /** Without a session, jobs show what was saved. */
  constructor(session: KernelSession | undefined) {
    this.#session = session
  }

  acquire(saved: SavedJob): JobModel {
    const held = this.#held.get(saved.id) ?? this.#make(saved)
    held.uses++
    return held.model
  }

  release(id: string): void {
    const held = this.#held.get(id)
    if (held === undefined || --held.uses > 0) return
    held.channel?.dispose()
    this.#held.delete(id)
  }

  #make(saved: SavedJob): Held {
    const model = new JobModel(saved)
    const held: Held = { model, channel: this.#session && connect(this.#session, model), uses: 0 }
    this.#held.set(saved.id, held)
    return held
  }
}

function connect(session: KernelSession, model: JobModel): KernelChannel {
  return new KernelChannel(
    session,
    { job: model.summary.id },
    {
      opened: (send) => model.connect(send),
      received: (message, buffers) => model.receive(message, buffers),
      lost: () => model.disconnect(model.liveness === "saved" ? "saved" : "gone"),
    },
  )
}
