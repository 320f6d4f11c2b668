import { createHash } from "node:crypto"
import { cellfanVersion } from "../../util/version.ts"
import { type HttpService, requestJson } from "../serverless/http.ts"
import { KnownPlatform } from "../serverless/known-platform.ts"
import type { Callable, Deploying, FunctionSize, ListedFunction, Platform } from "../serverless/platform.ts"
import { workerFiles } from "../serverless/worker-files.ts"
import { zip } from "../serverless/zip.ts"
import { type FoundAccess, findAccess, type OpenWhiskAccess } from "./access.ts"
import { activate } from "./activation.ts"
import { meaningOf } from "./errors.ts"
import { openWhiskFacts } from "./facts.ts"

/**
 * Actions on Apache OpenWhisk, by its REST interface: four requests, which need no package.
 *
 *     openwhisk.ts    what ../serverless has to know of it
 *     access.ts       where it is, and the key
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

interface Opened extends FoundAccess {
  readonly service: HttpService
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
}

export class OpenWhisk extends KnownPlatform implements Platform {
  readonly #options: OpenWhiskOptions
  #opened: Opened | undefined

  constructor(options: OpenWhiskOptions) {
    super(openWhiskFacts(options))
    this.#options = options
  }

  /** Asks for something small: a key that is wrong is better told here than by a thousand calls. */
  async open(): Promise<string> {
    const access = findAccess(this.#options)
    const { endpoint, insecure, namespace, authorization } = access
    const service: HttpService = {
      ...{ name: this.name, title: this.title, meaningOf },
      place: endpoint.replace(/^https?:\/\//, ""),
      connection: { insecure },
      addressHint: "option `endpoint` and APIHOST in ~/.wskprops",
    }
    const url = `${endpoint}/api/v1/namespaces/${encodeURIComponent(namespace)}`
    this.#opened = { ...access, service, url, headers: { authorization } }
    await this.#request("/limits", { doing: "be reached" })
    return service.place
  }

  async deploy(size: FunctionSize, { say, signal }: Deploying): Promise<Callable> {
    const { service, url, headers } = this.#opened as Opened
    const action = this.#actionOf(size)
    const found = await this.#request(`/actions/${action.name}?code=false`, {
      doing: `look for the action ${action.name}`,
      ...{ expected: [404], signal },
    })
    if (found.status === 404) {
      const beganAt = performance.now()
      say(
        `Deploying ${action.name} to openwhisk in ${service.place}: ${size.memoryMiB} MiB, ${this.#runtime} …`,
      )
      await this.#request(`/actions/${action.name}?overwrite=false`, {
        ...{ doing: `make the action ${action.name}`, method: "PUT", body: action.body, signal },
        // Another kernel makes it at the same moment: that one's is as good.
        expected: [409],
      })
      say(`Deployed ${action.name} in ${((performance.now() - beganAt) / 1000).toFixed(1)} s`)
    }
    return {
      name: action.name,
      call: (event, answer, signal) =>
        activate({ service, url, headers, action: action.name, size, event, answer, signal }),
    }
  }

  async list(): Promise<readonly ListedFunction[]> {
    const found: ListedFunction[] = []
    for (let skip = 0; ; skip += pageSize) {
      const path = `/actions?limit=${pageSize}&skip=${skip}`
      const { value } = await this.#request<readonly ListedAction[]>(path, { doing: "list actions" })
      found.push(...value.flatMap(listed))
      if (value.length < pageSize) return found
    }
  }

  async remove(name: string): Promise<boolean> {
    const { status } = await this.#request(`/actions/${encodeURIComponent(name)}`, {
      ...{ doing: `delete the action ${name}`, method: "DELETE", expected: [404] },
    })
    return status !== 404
  }

  costUsd(billedMs: number, { memoryMiB }: FunctionSize): number {
    return (billedMs / 1000) * (memoryMiB / 1024) * (this.#options.usdPerGbSecond ?? 0)
  }

  close(): void {}

  get #runtime(): string {
    return this.#options.runtime ?? defaultRuntime
  }

  #request<T>(path: string, request: Parameters<typeof requestJson>[2]) {
    const { service, url, headers } = this.#opened as Opened
    return requestJson<T>(service, url + path, { ...request, headers })
  }

  /** Its name is made of all that it is, so that who needs the same finds the same. */
  #actionOf({ memoryMiB, timeoutMs }: FunctionSize): { readonly name: string; readonly body: object } {
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
