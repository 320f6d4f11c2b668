import { type IncomingMessage, request as requestHttp, type ServerResponse } from "node:http"
import type { Conditions } from "./conditions.ts"
import { ContainerInstance, type ContainerSpec } from "./container-instance.ts"
import { bytesOf, type Reply, send } from "./strict-server.ts"

/**
 * What stands before the containers of a platform: starts them as calls come, gives each as many calls as it may have, lets
 * calls wait for a while, and says in the platform's words what went wrong. A caller that leaves is told to the container.
 */
export interface RevisionOptions extends ContainerSpec {
  readonly concurrency: number
  /** The most that there may be of this one. */
  readonly maxInstances: number
  readonly timeoutMs: number
  readonly healthPath: string
  /** Of the platform. */
  readonly conditions: Conditions
  readonly words: RevisionWords
}

export interface RevisionWords {
  /** As many calls run, and wait, as may. */
  readonly full: Reply
  readonly timeout: Reply
  readonly startFailed: Reply
  /** The container died before it answered. */
  readonly died: Reply
  readonly tooLarge: Reply
}

/** As all of these platforms have it. */
const mostBytes = 32 * 2 ** 20

/** Calls that may wait for a container. */
const maxWaiting = 8

export class Revision {
  readonly instances = new Set<ContainerInstance>()
  /** Containers that were started in all, and those that were killed for memory. */
  started = 0
  killedForMemory = 0
  /** How many calls were refused because there were too many. */
  refused = 0
  /** What the last container said that did not come up. */
  failure = ""
  readonly #options: RevisionOptions
  readonly #waiting: (() => void)[] = []
  #starting = 0

  constructor(options: RevisionOptions) {
    this.#options = options
    options.conditions.runs.add(this)
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { words, conditions } = this.#options
    const body = await bytesOf(request)
    if (body.length > Math.min(mostBytes, conditions.maxRequestBytes)) return send(response, words.tooLarge)
    const instance = await this.#withRoom()
    if (instance === "full") {
      this.refused++
      return send(response, words.full)
    }
    if (instance === undefined) return send(response, words.startFailed)
    await this.#forward(instance, request, body, response)
    instance.calls--
    if (instance.isGone) await this.#remove(instance)
    this.#waiting.shift()?.()
  }

  /** Starts the first container. Undefined where it comes up; else what it said. */
  async warm(): Promise<string | undefined> {
    const instance = await this.#start()
    if (instance === undefined) return this.failure
    instance.calls--
    return undefined
  }

  async stop(): Promise<void> {
    await Promise.all([...this.instances].map((instance) => instance.stop()))
  }

  /** An instance that counts the call; undefined where it could not start. */
  async #withRoom(): Promise<ContainerInstance | "full" | undefined> {
    const { concurrency, conditions } = this.#options
    const maxInstances = Math.min(conditions.maxInstances, this.#options.maxInstances)
    for (;;) {
      for (const instance of this.instances) {
        if (instance.isGone) await this.#remove(instance)
        if (instance.isGone || instance.calls >= concurrency) continue
        instance.calls++
        return instance
      }
      if (this.instances.size + this.#starting < maxInstances) return this.#start()
      if (this.#waiting.length >= maxWaiting) return "full"
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async #start(): Promise<ContainerInstance | undefined> {
    this.#starting++
    this.started++
    try {
      const { conditions, ...options } = this.#options
      const broken = conditions.startsFail ? { args: ["--eval", "process.exit(1)"] } : {}
      const instance = await ContainerInstance.start({ ...options, ...broken })
      instance.calls = 1
      try {
        await instance.ready(this.#options.healthPath)
      } catch (error) {
        this.failure = (error as Error).message
        await instance.stop()
        return undefined
      }
      this.instances.add(instance)
      return instance
    } finally {
      this.#starting--
    }
  }

  async #remove(instance: ContainerInstance): Promise<void> {
    if (!this.instances.delete(instance)) return
    if (instance.wasKilledForMemory) this.killedForMemory++
    await instance.stop()
  }

  #forward(
    { url }: ContainerInstance,
    request: IncomingMessage,
    body: Buffer,
    response: ServerResponse,
  ): Promise<void> {
    const { words, timeoutMs } = this.#options
    return new Promise((resolve) => {
      const { host: _, connection: __, ...headers } = request.headers
      const sent = requestHttp(url + (request.url ?? "/").replace(/^\/+/, "/"), {
        ...{ method: request.method ?? "GET", headers, agent: false },
      })
      const timer = setTimeout(() => end(words.timeout), timeoutMs)
      const end = (reply?: Reply) => {
        clearTimeout(timer)
        sent.destroy()
        // What is broken off here is broken off there.
        if (reply !== undefined) send(response, reply)
        resolve()
      }
      sent.on("error", () => end(words.died))
      response.on("close", () => end())
      sent.on("response", (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers)
        response.flushHeaders()
        answer.on("error", () => end(words.died))
        answer.on("data", (chunk: Buffer) => response.write(chunk))
        answer.on("end", () => {
          if (answer.complete) response.end(() => end())
          else end(words.died)
        })
      })
      sent.end(body)
    })
  }
}
