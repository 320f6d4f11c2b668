import { type Order, parseAgentMessage, parseJobRecord } from "../../protocol/queue.ts"
import type { BatchEvents } from "../backend.ts"
import { answerQuestions } from "./kernel-question.ts"
import type { Queue } from "./queue/queue.ts"
import { InOrder, saidIn } from "./recorded.ts"
import type { StandaloneRun } from "./run.ts"

/** Who is to hear what comes by the queue. */
export interface Hearers {
  /** A batch that is not over. */
  run(batch: string): StandaloneRun | undefined
  /** A job's newest batch: for what concerns the job, or comes late. */
  newest(jobId: string): BatchEvents | undefined
  /** What an agent has said of a batch cannot be read. */
  unreadable(batch: string, error: Error): void
}

/** Listens to all that concerns one session's jobs: what agents record and tell, and what others want of them. */
export class Hearing {
  readonly #queue: Queue
  readonly #session: string
  readonly #hearers: Hearers
  readonly #inOrder = new InOrder()

  private constructor(queue: Queue, session: string, hearers: Hearers) {
    this.#queue = queue
    this.#session = session
    this.#hearers = hearers
  }

  /** Until the queue is closed. */
  static async begin(queue: Queue, session: string, hearers: Hearers): Promise<void> {
    const { names } = queue
    const hearing = new Hearing(queue, session, hearers)
    queue.listen(names.liveSubject(session), ({ data }) => hearing.#live(data))
    queue.listen(names.orders, (message) => hearing.#cancelledElsewhere(message.json<Order>()))
    answerQuestions(queue, session, (jobId) => hearers.newest(jobId)?.knowledge)
    const filter = [names.resultSubject(session, "*", "*"), names.jobSubject("*")]
    await queue.read(filter, "new", (subject, bytes) => {
      if (subject.startsWith(names.jobSubject(""))) hearing.#record(bytes)
      else hearing.#recorded(subject, bytes)
    })
  }

  /** What agents have recorded. */
  #recorded(subject: string, bytes: Uint8Array): void {
    const [jobId = "", batch = ""] = subject.split(".").slice(-2)
    const { run, newest, unreadable } = this.#hearers
    const failed = (error: Error): void => unreadable(batch, error)
    try {
      this.#inOrder.add(
        saidIn(this.#queue, bytes),
        (said) => {
          for (const one of said) {
            const { message } = one
            const of = run(batch)
            if (of !== undefined) of.hear(one)
            else if (message.type === "log") newest(jobId)?.log(message.index, message.stream, message.text)
          }
        },
        failed,
      )
    } catch (error) {
      failed(error as Error)
    }
  }

  #live(bytes: Uint8Array): void {
    let value: { batch?: unknown }
    try {
      value = JSON.parse(Buffer.from(bytes).toString())
    } catch {
      return
    }
    const message = parseAgentMessage(value)
    const run = this.#hearers.run(String(value.batch))
    if (message?.type === "started") run?.started(message.index, message.worker, message.atMs)
    else if (message?.type === "progress") run?.progress(message.index, message.fraction, message.note)
  }

  /** Another process has cancelled one of our jobs, or tasks of it: they are not to be sent again. */
  #cancelledElsewhere(order: Order): void {
    if (order.type === "cancelJob") this.#hearers.newest(order.jobId)?.cancelled?.(order.indices)
  }

  /** The same, of a whole job, as it is kept: the order may have come while there was no link. */
  #record(bytes: Uint8Array): void {
    const record = parseJobRecord(bytes)
    if (record?.end === "cancelled" && record.session === this.#session)
      this.#hearers.newest(record.jobId)?.cancelled?.()
  }
}
