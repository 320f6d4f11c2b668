import { createHash } from "node:crypto"
import { cellfanVersion } from "../../util/version.ts"
import { told } from "../serverless/http.ts"
import { KnownPlatform } from "../serverless/known-platform.ts"
import type { Callable, Deploying, FunctionSize, ListedFunction, Platform } from "../serverless/platform.ts"
import { workerFiles } from "../serverless/worker-files.ts"
import { zip } from "../serverless/zip.ts"
import type { OpenWhiskAccess } from "./access.ts"
import { activate } from "./activation.ts"
import { WhiskClient } from "./client.ts"
import { openWhiskFacts } from "./facts.ts"

/**
 * Actions on Apache OpenWhisk, by its own client.
 *
 *     openwhisk.ts    what ../serverless has to know of it
 *     access.ts       where it is, and the key
 *     client.ts       requests, and what becomes of them
 *     activation.ts   one call, and its answer
 *     errors.ts       what its errors mean, and what can be done
 *     facts.ts        what is known of it before this is loaded; limits.ts what it allows
 *
 * @see https://github.com/apache/openwhisk/blob/master/core/controller/src/main/resources/apiv1swagger.json
 */
export interface OpenWhiskOptions extends OpenWhiskAccess, FunctionSize {
  /** Default: nodejs:20. */
  readonly runtime?: string | undefined
  /** What tasks find in process.env. */
  readonly env?: Readonly<Record<string, string>>
  /** OpenWhisk has no price of its own; whoever runs one may know theirs. */
  readonly usdPerGbSecond?: number | undefined
}

export const defaultRuntime = "nodejs:20"

const versionKey = "cellfan-version"
const nameForm = /^cellfan-\d+mib-[0-9a-f]{16}$/

/** As long as lists may be. */
const pageSize = 200

/** An action, as far as it is used here. */
interface ListedAction {
  readonly name: string
  readonly annotations?: readonly { readonly key: string; readonly value: unknown }[]
  readonly limits?: { readonly memory?: number; readonly timeout?: number }
  readonly updated?: number
}

export class OpenWhisk extends KnownPlatform implements Platform {
  readonly #options: OpenWhiskOptions
  #client: WhiskClient | undefined

  constructor(options: OpenWhiskOptions) {
    super(openWhiskFacts(options))
    this.#options = options
  }

  /** Asks for something small: a key that is wrong is better told here than by a thousand calls. */
  async open(): Promise<string> {
    const client = await WhiskClient.open(this.#options)
    const { value } = await client.ask({ doing: "be reached" }, ({ actions }, around) =>
      actions.list({ limit: 1, ...around }),
    )
    if (!Array.isArray(value))
      throw told(client.service, "be reached", {
        kind: "setup",
        what: `what answers there is no OpenWhisk; look at ${client.service.addressHint}`,
      })
    this.#client = client
    return client.service.place
  }

  async deploy(size: FunctionSize, { say, signal }: Deploying): Promise<Callable> {
    const client = this.#client as WhiskClient
    const { name, body } = this.#actionOf(size)
    const looking = { doing: `look for the action ${name}`, expected: [404], signal }
    const { refusal } = await client.ask(looking, ({ actions }, around) =>
      actions.get({ name, ...{ code: false }, ...around }),
    )
    if (refusal === 404) {
      const beganAt = performance.now()
      say(
        `Deploying ${name} to openwhisk in ${client.service.place}: ${size.memoryMiB} MiB, ${this.#runtime} …`,
      )
      // Another kernel makes it at the same moment: that one's is as good.
      await client.ask({ doing: `make the action ${name}`, expected: [409], signal }, ({ actions }, around) =>
        actions.create({ name, action: body, overwrite: false, ...around }),
      )
      say(`Deployed ${name} in ${((performance.now() - beganAt) / 1000).toFixed(1)} s`)
    }
    return {
      name,
      call: (event, answer, signal) => activate({ client, action: name, size, event, answer, signal }),
    }
  }

  async list(): Promise<readonly ListedFunction[]> {
    const client = this.#client as WhiskClient
    const found: ListedFunction[] = []
    for (let skip = 0; ; skip += pageSize) {
      const { value } = await client.ask<readonly ListedAction[]>(
        { doing: "list actions" },
        ({ actions }, around) => actions.list({ limit: pageSize, skip, ...around }),
      )
      found.push(...value.flatMap(listed))
      if (value.length < pageSize) return found
    }
  }

  async remove(name: string): Promise<boolean> {
    const client = this.#client as WhiskClient
    const { refusal } = await client.ask(
      { doing: `delete the action ${name}`, expected: [404] },
      ({ actions }, around) => actions.delete({ name, ...around }),
    )
    return refusal !== 404
  }

  costUsd(billedMs: number, { memoryMiB }: FunctionSize): number {
    return (billedMs / 1000) * (memoryMiB / 1024) * (this.#options.usdPerGbSecond ?? 0)
  }

  close(): void {}

  get #runtime(): string {
    return this.#options.runtime ?? defaultRuntime
  }

  /** Its name is made of all that it is, so that who needs the same finds the same. */
  #actionOf({ memoryMiB, timeoutMs }: FunctionSize) {
    const variables = { ...this.#options.env, CELLFAN_MEMORY_MIB: String(memoryMiB) }
    const code = actionCode()
    const body = {
      exec: { kind: this.#runtime, code: code.toString("base64"), main: "main", binary: true },
      limits: { timeout: timeoutMs, memory: memoryMiB },
      // `init`: they are variables of the process, and no arguments of calls.
      parameters: Object.entries(variables).map(([key, value]) => ({ key, value, init: true })),
      annotations: [
        { key: versionKey, value: cellfanVersion() },
        { key: "description", value: "Runs tasks of cellfan. `cellfan clean` deletes it." },
      ],
    }
    const hash = createHash("sha256").update(code).update(JSON.stringify(body)).digest("hex")
    return { name: `cellfan-${memoryMiB}mib-${hash.slice(0, 16)}`, body }
  }
}

function listed({ name, annotations = [], limits = {}, updated = 0 }: ListedAction): ListedFunction[] {
  const annotated = (key: string) => annotations.find((one) => one.key === key)?.value
  const version = annotated(versionKey)
  // Somebody may have given such a name to an action of their own.
  if (!nameForm.test(name) || typeof version !== "string") return []
  const { memory = 0, timeout = 0 } = limits
  const runtime = String(annotated("exec") ?? "")
  const modifiedAt = new Date(updated).toISOString()
  return [{ name, memoryMiB: memory, timeoutMs: timeout, runtime, architecture: "", modifiedAt, version }]
}

let code: Buffer | undefined

/** OpenWhisk's Node.js loads CommonJS: this loads the worker, which are modules. It is loaded before the first call comes. */
function actionCode(): Buffer {
  const index =
    'const worker = import("./index.mjs")\nexports.main = async (event) => (await worker).main(event)\n'
  const files = {
    "package.json": { bytes: Buffer.from(JSON.stringify({ main: "action.cjs" })) },
    "action.cjs": { bytes: Buffer.from(index) },
    ...Object.fromEntries([...workerFiles("openwhisk")].map(([name, bytes]) => [name, { bytes }])),
  }
  code ??= zip(files)
  return code
}
