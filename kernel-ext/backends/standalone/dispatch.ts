import type { TaskBatch } from "../backend.ts"
import { sendingsOf } from "../sendings.ts"
import { SentContents } from "./contents.ts"
import { encodeInputs, encodeTask } from "./messages.ts"
import { Publications } from "./publications.ts"
import { inlineBytes } from "./queue/limits.ts"
import type { Queue } from "./queue/queue.ts"
import type { StandaloneRun } from "./run.ts"

/** Brings batches into the queue, and before them what they need. */
export class Dispatch {
  readonly #queue: Queue
  readonly #session: string
  readonly #contents: SentContents
  readonly #publications = new Publications()

  /** @param keepMs How long the server keeps what they need. */
  constructor(queue: Queue, session: string, keepMs: number) {
    this.#queue = queue
    this.#session = session
    this.#contents = new SentContents(queue, keepMs)
  }

  /** Resolves when the server has it, or nobody wants it any more. */
  async send(run: StandaloneRun, batch: TaskBatch): Promise<void> {
    const queue = this.#queue
    const needed = sendingsOf(batch).contents
    const carried = await this.#contents.put(needed)
    if (run.isClosed) return
    const { jobId, indices, attempts, timeoutMs, memoryMiB, inputs } = batch
    const head = {
      ...{ version: 1 as const, session: this.#session, jobId, batch: run.id, needs: [...needed.keys()] },
      ...{ indices, attempts, timeoutMs, memoryMiB },
    }
    const size = inputs.blobs.reduce((sum, blob) => sum + blob.byteLength, inputs.bytes.byteLength)
    const isSmall = size + 8 * indices.length <= inlineBytes
    const inputsAt = isSmall ? undefined : `input/${jobId}/${run.id}`
    if (inputsAt !== undefined) await queue.putObject(inputsAt, encodeInputs(inputs))
    if (run.isClosed) return
    const message = encodeTask({
      head: inputsAt === undefined ? head : { ...head, inputsAt },
      inputs: isSmall ? inputs : undefined,
      carried,
    })
    await this.#publications.add(
      () => !run.isClosed,
      () => queue.publish(queue.names.taskSubject(run.lane, this.#session, jobId), message, run.id),
    )
  }

  forget(jobId: string): void {
    this.#contents.forget(`job-${jobId}`)
  }

  /** Resolves when the server has what is on its way to it now, or has refused it. */
  async settled(): Promise<void> {
    await this.#publications.settled()
  }
}
