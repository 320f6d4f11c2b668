import { BackendError } from "../../errors.ts"
import type { AnswerBlock, InvocationEnd, Said } from "../../protocol/invocation.ts"
import type { ObjectReference } from "../../protocol/storage.ts"
import { BlockReader } from "../../util/blocks.ts"
import type { CallEnd } from "./platform.ts"

export interface AnswerHearer {
  /** For messages. */
  readonly platform: { readonly name: string; readonly title: string }
  /** Hears for how long the instance was busy, before it hears of the last tasks. */
  bill(billedMs: number): void
  /** Hears what comes of the tasks. */
  hear(said: Said, environment: string): void
  /** Reads an answer that went by way of storage. */
  fetch(reference: ObjectReference): Promise<Uint8Array>
}

/** An answer that went by way of storage may be as large as storage allows. */
const maxBlockBytes = 2 ** 32 - 1

/** What a function answers to one call: put together from its parts, checked, and told as it comes. */
export class Answer {
  /** As the platform says it, where it did so before the answer. Default: what the worker measured. */
  billedMs: number | undefined
  readonly #hearer: AnswerHearer
  readonly #reader: BlockReader
  #end: InvocationEnd | undefined
  #environment: string

  constructor(hearer: AnswerHearer) {
    this.#hearer = hearer
    this.#environment = hearer.platform.name
    this.#reader = new BlockReader(maxBlockBytes, (block) => this.#take(block))
  }

  /** Takes blocks, in whatever pieces they come. */
  push(bytes: Uint8Array): void {
    try {
      this.#reader.push(bytes)
    } catch (error) {
      throw this.unreadable((error as Error).message)
    }
  }

  /** Takes an answer that is one JSON value: a `BufferedAnswer`. */
  async pushJson(text: string): Promise<void> {
    const { body, bodyAt } = this.#parsed(text)
    this.push(body ?? (await this.#hearer.fetch(bodyAt as ObjectReference)))
  }

  /** Nothing more comes. */
  ended(): CallEnd {
    const end = this.#end
    if (end === undefined || this.#reader.isWithin) throw this.unreadable("it ended early")
    return { kind: "answered", environment: this.#environment, end }
  }

  unreadable(what: string): BackendError {
    const { name, title } = this.#hearer.platform
    return new BackendError(`${title} gave an answer that is none of cellfan's worker: ${what}.`, {
      backend: name,
      kind: "network",
      retryable: true,
    })
  }

  #take({ environment, said, end }: AnswerBlock): void {
    if (end !== undefined) this.#hearer.bill(this.billedMs ?? end.durationMs + (end.initMs ?? 0))
    for (const one of said) this.#hearer.hear(one, environment)
    this.#environment = environment
    this.#end = end ?? this.#end
  }

  #parsed(text: string): { body?: Uint8Array; bodyAt?: ObjectReference } {
    let answer: { cellfan?: unknown; body?: unknown; bodyAt?: { bucket?: unknown; key?: unknown } } | null
    try {
      answer = JSON.parse(text)
    } catch {
      throw this.unreadable(text.slice(0, 200))
    }
    if (answer?.cellfan === 1 && typeof answer.body === "string")
      return { body: Buffer.from(answer.body, "base64") }
    const { bucket, key } = answer?.bodyAt ?? {}
    if (typeof bucket !== "string" || typeof key !== "string") throw this.unreadable(text.slice(0, 200))
    return { bodyAt: { backend: "", bucket, key } }
  }
}
