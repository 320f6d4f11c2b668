import { randomUUID } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import type { ContentKey } from "../../../protocol/invocation.ts"
import { type JobRecord, type Lane, lanes, type Order, QueueNames } from "../../../protocol/queue.ts"
import type { QueueAccess } from "./access.ts"
import {
  connect,
  type JetStreamClient,
  type JetStreamManager,
  type NatsConnection,
  type NatsMessage,
  natsLibraries,
  type ObjectStore,
} from "./connection.ts"
import { inlineBytes } from "./limits.ts"
import { Pulls } from "./pulls.ts"
import { Reading } from "./reading.ts"
import { isMissing, isRefusal, tellPublish } from "./refusals.ts"
import { lookEveryMs, ServerClock } from "./server-clock.ts"
import { ensureStreams, type PoolSettings } from "./streams.ts"

/**
 * A pool's queue on a NATS server, as both kernels and agents use it: JetStream carries what may not be lost, plain
 * subjects carry what is true only now.
 *
 *     connection.ts  reaching the server
 *     streams.ts     the pool's streams, their consumers and their limits
 *     pulls.ts       taking batches from the work queue, as many as there is room for
 *     reading.ts     what is recorded, in order, over losses of the connection
 *     server-clock.ts  by which clock times are told
 *     refusals.ts    what its errors mean
 */

/** Wait before a publication is tried again, at most. */
const longestPauseMs = 2000

/** What an acknowledgement of a publication may take. */
const publishTimeoutMs = 5000

export class Queue {
  readonly names: QueueNames
  readonly connection: NatsConnection
  readonly clock = new ServerClock()
  readonly #js: JetStreamClient
  readonly #manager: JetStreamManager
  readonly #openObjects: () => Promise<ObjectStore>
  #objects: Promise<ObjectStore> | undefined
  #closing: Promise<void> | undefined
  #looking: NodeJS.Timeout | undefined

  private constructor(
    names: QueueNames,
    connection: NatsConnection,
    js: JetStreamClient,
    manager: JetStreamManager,
    openObjects: () => Promise<ObjectStore>,
  ) {
    this.names = names
    this.connection = connection
    this.#js = js
    this.#manager = manager
    this.#openObjects = openObjects
  }

  /**
   * @param patient Whether to wait for the server, for ever.
   * @throws BackendError where the server cannot be reached, lets us not in, or has no JetStream.
   */
  static async open(
    access: QueueAccess,
    pool: string,
    { name, patient = false }: { name: string; patient?: boolean },
  ): Promise<Queue> {
    const { jetstream, objects } = await natsLibraries()
    const connection = await connect(access, { name, patient })
    const names = new QueueNames(pool)
    const js = jetstream.jetstream(connection, { timeout: publishTimeoutMs })
    const manager = await jetstream.jetstreamManager(connection, {
      checkAPI: false,
      timeout: publishTimeoutMs,
    })
    const openObjects = () => new objects.Objm(js).open(names.objects, false)
    return new Queue(names, connection, js, manager, openObjects)
  }

  /** Makes the pool's streams where they are missing. */
  async ensure(settings: PoolSettings): Promise<void> {
    await ensureStreams(this.#manager, this.names, settings)
  }

  get isClosed(): boolean {
    return this.#closing !== undefined || this.connection.isClosed()
  }

  /**
   * Has the server keep a message. Resolves when it has; tried until then, also while there is no connection: the same `id` is
   * kept once. Rejects when this queue is closed before.
   */
  async publish(subject: string, bytes: Uint8Array, id: string): Promise<void> {
    for (let pauseMs = 100; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      try {
        await this.#js.publish(subject, bytes, { msgID: id, timeout: publishTimeoutMs })
        return
      } catch (error) {
        if (this.isClosed || isRefusal(error)) throw tellPublish(error, subject)
        await sleep(pauseMs, undefined, { ref: false })
      }
    }
  }

  /** Keeps what is known of a job now. */
  async recordJob(record: JobRecord): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(record))
    await this.publish(this.names.jobSubject(record.jobId), bytes, `job ${record.jobId} ${randomUUID()}`)
  }

  /** Tells whoever listens now. */
  tell(subject: string, bytes: Uint8Array | string): void {
    if (!this.isClosed) this.connection.publish(subject, bytes)
  }

  order(order: Order): void {
    this.tell(this.names.orders, JSON.stringify(order))
  }

  /** Hears what is told. Returns the way to stop. */
  listen(subject: string, hear: (message: NatsMessage) => void): () => void {
    const subscription = this.connection.subscribe(subject, {
      callback: (error, message) => {
        if (error === null) hear(message)
      },
    })
    return () => subscription.unsubscribe()
  }

  /**
   * Reads what agents have recorded under a subject, in order and without gaps, also over losses of the connection.
   *
   * @param from "new": only what comes from now on.
   */
  async read(
    filter: string | string[],
    from: "all" | "new",
    hear: (subject: string, bytes: Uint8Array, atMs: number) => void,
  ): Promise<{ readonly pending: number; stop(): void }> {
    const reading = new Reading(
      async (options) =>
        this.#js.consumers.get(this.names.results, { filter_subjects: filter, ...options } as never),
      hear,
    )
    const pending = await reading.begin(from)
    void this.#resume(reading)
    return { pending, stop: () => reading.stop() }
  }

  /** A server that was started anew knows nothing of who read: waiting for its signs of life would take many seconds. */
  async #resume(reading: Reading): Promise<void> {
    for await (const { type } of this.connection.status()) {
      if (reading.isStopped) return
      if (type === "reconnect") void reading.resume()
    }
  }

  /** All that stands under a subject by now. */
  async readAll(filter: string): Promise<{ readonly subject: string; readonly bytes: Uint8Array }[]> {
    const found: { subject: string; bytes: Uint8Array }[] = []
    let seen: () => void = () => {}
    const consumer = await this.#js.consumers.get(this.names.results, {
      filter_subjects: filter,
      deliver_policy: "all",
    } as never)
    const { num_pending: pending } = await consumer.info(true)
    if (pending === 0) return found
    const whole = new Promise<void>((resolve) => {
      seen = resolve
    })
    const messages = await consumer.consume({
      callback: (message) => {
        found.push({ subject: message.subject, bytes: message.data })
        if (message.info.pending === 0) seen()
      },
    })
    await whole
    messages.stop()
    return found
  }

  /** The newest message of a subject; undefined where there is none. */
  async newest(subject: string): Promise<Uint8Array | undefined> {
    const found = await this.#manager.streams
      .getMessage(this.names.results, { last_by_subj: subject })
      .catch((error: { code?: number }) => {
        if (isMissing(error)) return null
        throw error
      })
    return found?.data
  }

  /** Keeps bytes of any size under a key, for whoever asks. */
  async putContent(key: ContentKey, bytes: Uint8Array): Promise<void> {
    if (bytes.byteLength <= inlineBytes) {
      await this.publish(this.names.contentSubject(key), bytes, `content ${key} ${Date.now()}`)
      return
    }
    await this.putObject(`content/${key}`, bytes)
  }

  async getContent(key: ContentKey): Promise<Uint8Array | undefined> {
    return (await this.newest(this.names.contentSubject(key))) ?? (await this.getObject(`content/${key}`))
  }

  async putObject(name: string, bytes: Uint8Array): Promise<void> {
    for (let pauseMs = 100; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
      try {
        const store = await this.#store()
        await store.putBlob({ name, options: { max_chunk_size: 512 * 1024 } }, bytes, { timeout: 60_000 })
        return
      } catch (error) {
        if (this.isClosed || isRefusal(error)) throw tellPublish(error, name)
        await sleep(pauseMs, undefined, { ref: false })
      }
    }
  }

  async getObject(name: string): Promise<Uint8Array | undefined> {
    const store = await this.#store()
    return (await store.getBlob(name)) ?? undefined
  }

  /** Takes a job's waiting batches out of the queue. */
  async purge(taskSubject: string): Promise<number> {
    const { purged } = await this.#manager.streams.purge(this.names.tasks, { filter: taskSubject })
    return purged
  }

  /** Deletes what is kept of a job. */
  async forgetJob(session: string, jobId: string): Promise<void> {
    for (const filter of [this.names.resultSubject(session, jobId, "*"), this.names.jobSubject(jobId)])
      await this.#manager.streams.purge(this.names.results, { filter })
  }

  /** Deletes the pool's streams with all that is in them. */
  async destroy(): Promise<void> {
    for (const stream of [this.names.tasks, this.names.results, `OBJ_${this.names.objects}`])
      await this.#manager.streams.delete(stream).catch((error: unknown) => {
        if (!isMissing(error)) throw error
      })
  }

  pulls(lane: Lane): Pulls {
    return new Pulls(this.connection, this.names, lane)
  }

  /** Whether the pool's streams are there. */
  async isThere(): Promise<boolean> {
    try {
      for (const lane of lanes) await this.#manager.consumers.info(this.names.tasks, lane)
      return true
    } catch (error) {
      if (isMissing(error)) return false
      throw error
    }
  }

  /** Looks at the server's clock now, and from time to time until this is closed. */
  async watchClock(): Promise<void> {
    this.#looking ??= setInterval(() => void this.watchClock(), lookEveryMs).unref()
    const askedAtMs = performance.now()
    try {
      const { ts } = (await this.#manager.consumers.info(this.names.tasks, lanes[0])) as { ts?: string }
      this.clock.heard(Date.parse(ts ?? ""), performance.now() - askedAtMs)
    } catch {
      // What was known of it holds.
    }
  }

  /** What has left stays with the server; what has not is lost. */
  close(): Promise<void> {
    clearInterval(this.#looking)
    this.#closing ??= this.connection.close().catch(() => {})
    return this.#closing
  }

  #store(): Promise<ObjectStore> {
    this.#objects ??= this.#openObjects()
    this.#objects.catch(() => {
      this.#objects = undefined
    })
    return this.#objects
  }
}
