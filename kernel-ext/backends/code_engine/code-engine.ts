import { randomBytes } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { BackendError } from "../../errors.ts"
import { cellfanVersion } from "../../util/version.ts"
import {
  deploymentName,
  healthPath,
  isDeploymentName,
  packedWorker,
  workerContainer,
} from "../serverless/container.ts"
import { callWorker, type HttpService } from "../serverless/http.ts"
import type { Callable, Deploying, FunctionSize, ListedFunction, Platform } from "../serverless/platform.ts"
import { type CodeEngineAccess, CodeEngineApi } from "./api.ts"
import { callMeaning, notReady } from "./errors.ts"
import { codeEngineFacts } from "./facts.ts"
import { costOf, listPrices, type Prices } from "./prices.ts"
import { type InstanceSize, instanceSize } from "./sizes.ts"

/**
 * Apps on IBM Cloud Code Engine, by its REST interface: it needs no package. Each has a secret beside it, which holds the worker and the
 * token that calls must carry: its URL is open to the world.
 *
 *     code-engine.ts   what ../serverless has to know of it
 *     facts.ts         what is known of it before this is loaded
 *     api.ts           requests, and IAM's token
 *     sizes.ts         which memory goes with how many processors
 *     errors.ts        what errors mean, and what can be done
 *     prices.ts        what calls cost
 */
export interface CodeEngineOptions extends CodeEngineAccess, FunctionSize {
  /** By its name; it is made where it does not exist (default: cellfan). */
  readonly project?: string | undefined
  /** Where the project is made (default: the account's own). */
  readonly resourceGroupId?: string | undefined
  /** Calls that run at once. */
  readonly workers: number
  /** Calls that an instance runs at once (default: 1). */
  readonly concurrency?: number | undefined
  readonly cpu?: number | undefined
  /** An image with Node.js (default: Node's own). */
  readonly image?: string | undefined
  readonly env?: Readonly<Record<string, string>>
  readonly prices?: Partial<Prices>
}

const folder = "/cellfan"
const versionVariable = "CELLFAN_VERSION"
const readyWithinMs = 300_000

/** A project, and an app, as far as they are used here. */
interface Project {
  readonly id: string
  readonly name: string
  readonly status?: string
}
interface App {
  readonly name: string
  readonly endpoint?: string
  readonly status?: string
  readonly status_details?: { readonly reason?: string }
  readonly image_reference: string
  readonly scale_memory_limit: string
  readonly scale_request_timeout: number
  readonly created_at?: string
  readonly run_env_variables?: readonly { readonly name?: string; readonly value?: string }[]
}

export class CodeEngine implements Platform {
  readonly name
  readonly title
  readonly limits
  readonly size: FunctionSize
  readonly streams
  readonly endsLeftCalls
  readonly pace
  readonly throttledHint
  readonly #options: CodeEngineOptions
  #api: CodeEngineApi | undefined
  #projectId = ""

  constructor(options: CodeEngineOptions) {
    const facts = codeEngineFacts(options)
    this.#options = options
    this.name = facts.name
    this.title = facts.title
    this.limits = facts.limits
    this.size = facts.size
    this.streams = facts.streams
    this.endsLeftCalls = facts.endsLeftCalls
    this.pace = facts.pace
    this.throttledHint = facts.throttledHint
  }

  async open(): Promise<string> {
    const { project = "cellfan" } = this.#options
    this.#api = new CodeEngineApi(this.#options)
    this.#projectId = await this.#findProject(this.#api, project)
    return `${this.#api.place}, project ${project}`
  }

  async deploy(size: FunctionSize, { say, signal }: Deploying): Promise<Callable> {
    const spec = this.#specOf(size)
    const name = deploymentName(spec, size)
    let app = await this.#find(name, signal)
    if (app?.status !== "ready") {
      const beganAt = performance.now()
      if (app === undefined) {
        const { scale_memory_limit: memory, scale_cpu_limit: cpu, image_reference: image } = spec
        say(`Deploying ${name} to code_engine in ${this.#api?.place}: ${memory}, ${cpu} vCPU, ${image} …`)
        await this.#make(name, spec, signal)
      }
      app = await this.#untilReady(name, signal)
      say(`Deployed ${name} in ${((performance.now() - beganAt) / 1000).toFixed(1)} s`)
    }
    return { name, call: this.#callOf(name, app.endpoint ?? "", await this.#tokenOf(name, signal)) }
  }

  async list(): Promise<readonly ListedFunction[]> {
    const apps = await this.#all<App>("apps", { doing: "list apps" })
    return apps.filter(({ name }) => isDeploymentName(name, undefined)).map(listed)
  }

  async remove(name: string): Promise<boolean> {
    const gone = await this.#request(`apps/${encodeURIComponent(name)}`, {
      ...{ doing: `delete the app ${name}`, method: "DELETE", expected: [404] },
    })
    await this.#request(`secrets/${encodeURIComponent(name)}`, {
      ...{ doing: `delete the secret ${name}`, method: "DELETE", expected: [404] },
    })
    return gone.status !== 404
  }

  costUsd(billedMs: number, { memoryMiB }: FunctionSize): number {
    const { prices, concurrency = 1 } = this.#options
    const { cpu, usableMiB } = this.#instanceOf(memoryMiB)
    const memoryGb = (usableMiB * 2 ** 20) / 1e9
    return costOf(billedMs, { cpu: Number(cpu), memoryGb, concurrency }, { ...listPrices, ...prices })
  }

  close(): void {}

  #request<T>(path: string, request: Parameters<CodeEngineApi["request"]>[1]) {
    return (this.#api as CodeEngineApi).request<T>(`/projects/${this.#projectId}/${path}`, request)
  }

  #all<T>(what: string, request: Parameters<CodeEngineApi["request"]>[1]) {
    return (this.#api as CodeEngineApi).all<T>(`/projects/${this.#projectId}/${what}`, what, request)
  }

  async #findProject(api: CodeEngineApi, name: string): Promise<string> {
    const doing = `find the project ${name}`
    for (const end = performance.now() + readyWithinMs; ; await sleep(1000)) {
      const projects = await api.all<Project>("/projects", "projects", { doing })
      const found = projects.find((project) => project.name === name)
      if (found?.status === "active") return found.id
      if (found !== undefined && performance.now() > end)
        throw this.#error("unavailable", `could not ${doing}: it is ${found.status ?? "not active"}`)
      if (found !== undefined) continue
      const { resourceGroupId } = this.#options
      await api.request("/projects", {
        ...{ doing: `make the project ${name}`, method: "POST", expected: [409] },
        body: { name, ...(resourceGroupId !== undefined && { resource_group_id: resourceGroupId }) },
      })
    }
  }

  async #find(name: string, signal: AbortSignal): Promise<App | undefined> {
    const { status, value } = await this.#request<App>(`apps/${name}`, {
      ...{ doing: `look for the app ${name}`, expected: [404], signal },
    })
    return status === 404 ? undefined : value
  }

  /** Another kernel may make it at the same moment: then that one's is as good. */
  async #make(name: string, spec: object, signal: AbortSignal): Promise<void> {
    const made = { method: "POST", expected: [409], signal } as const
    await this.#request("secrets", {
      ...{ ...made, doing: `make the secret ${name}` },
      body: {
        ...{ name, format: "generic" },
        data: { worker: packedWorker(), token: randomBytes(24).toString("base64url") },
      },
    })
    const mount = { type: "secret", mount_path: folder, reference: name }
    await this.#request("apps", {
      ...{ ...made, doing: `make the app ${name}` },
      body: { name, ...spec, run_volume_mounts: [mount] },
    })
  }

  /** All that makes one app differ from others. */
  #specOf({ memoryMiB, timeoutMs }: FunctionSize) {
    const { workers, concurrency = 1, image, env: given } = this.#options
    const { memory, cpu, usableMiB } = this.#instanceOf(memoryMiB)
    const container = workerContainer({
      ...{ backend: this.name, image, concurrency, timeoutMs, memoryMiB: usableMiB, env: given },
    })
    const variables = {
      ...container.env,
      [versionVariable]: cellfanVersion(),
      CELLFAN_WORKER_FILE: `${folder}/worker`,
      CELLFAN_TOKEN_FILE: `${folder}/token`,
    }
    return {
      image_reference: container.image,
      image_port: 8080,
      run_commands: container.command,
      run_arguments: container.args,
      run_env_variables: Object.entries(variables).map(([name, value]) => ({ type: "literal", name, value })),
      run_service_account: "none",
      managed_domain_mappings: "local_public",
      probe_readiness: { type: "http", path: healthPath, port: 8080 },
      scale_concurrency: concurrency,
      scale_cpu_limit: cpu,
      scale_memory_limit: memory,
      scale_min_instances: 0,
      scale_max_instances: Math.ceil(workers / concurrency),
      scale_request_timeout: Math.ceil(timeoutMs / 1000),
    }
  }

  #instanceOf(memoryMiB: number): InstanceSize {
    try {
      return instanceSize(memoryMiB, this.#options.cpu)
    } catch (error) {
      throw this.#error("setup", `has no room for that: ${(error as Error).message}`)
    }
  }

  async #untilReady(name: string, signal: AbortSignal): Promise<App> {
    for (const end = performance.now() + readyWithinMs; ; await sleep(500, undefined, { signal })) {
      const app = await this.#find(name, signal)
      if (app?.status === "ready") return app
      const isOver = performance.now() > end
      if (app?.status !== "failed" && !isOver) continue
      // Left as it is, it would be found again.
      await this.remove(name)
      const { kind, what } = notReady(app?.status_details?.reason ?? "it does not say why")
      throw this.#error(kind, `could not start ${name}: ${what}`)
    }
  }

  async #tokenOf(name: string, signal: AbortSignal): Promise<string> {
    const { value } = await this.#request<{ data?: { token?: string } }>(`secrets/${name}`, {
      ...{ doing: `read the secret ${name}`, signal },
    })
    return value.data?.token ?? ""
  }

  #callOf(name: string, url: string, token: string): Callable["call"] {
    const service: HttpService = {
      ...{ name: this.name, title: this.title, meaningOf: callMeaning },
      ...{ place: this.#api?.place ?? "", addressHint: "the network" },
    }
    const target = { url, headers: { "x-cellfan-token": token }, doing: `call ${name}` }
    return (event, answer, signal) => callWorker(service, target, event, answer, signal)
  }

  #error(kind: ReturnType<typeof notReady>["kind"], what: string): BackendError {
    return new BackendError(`Code Engine in ${this.#api?.place} ${what}.`, {
      ...{ backend: this.name, kind, retryable: false },
    })
  }
}

function listed(app: App): ListedFunction {
  const [, number = "0", unit] = /^([\d.]+)([GM])/.exec(app.scale_memory_limit) ?? []
  return {
    name: app.name,
    memoryMiB: Math.round((unit === "G" ? 1024 : 1.024) * Number(number)),
    timeoutMs: 1000 * app.scale_request_timeout,
    runtime: app.image_reference.replace(/^docker\.io\/library\//, ""),
    architecture: "",
    modifiedAt: app.created_at ?? "",
    version: app.run_env_variables?.find(({ name }) => name === versionVariable)?.value,
  }
}
