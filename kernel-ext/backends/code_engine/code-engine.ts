import { randomBytes } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { BackendError } from "../../errors.ts"
import { deploymentName, isDeploymentName } from "../serverless/container.ts"
import { deployOnce } from "../serverless/deploy-once.ts"
import { timeoutHint } from "../serverless/hints.ts"
import { callWorker, type HttpService } from "../serverless/http.ts"
import { KnownPlatform } from "../serverless/known-platform.ts"
import type { Callable, Deploying, FunctionSize, ListedFunction, Platform } from "../serverless/platform.ts"
import { type CodeEngineAccess, CodeEngineApi } from "./api.ts"
import { appWorkload } from "./app.ts"
import { callMeaning, notReady } from "./errors.ts"
import { codeEngineFacts, type WorkloadKind } from "./facts.ts"
import { functionWorkload } from "./function.ts"
import { costOf, listPrices, type Prices } from "./prices.ts"
import type { InstanceSize } from "./sizes.ts"
import type { FoundWorkload, Workload, WorkloadSpec } from "./workload.ts"

/**
 * Apps and functions on IBM Cloud Code Engine, by its REST interface: it needs no package. Each has a secret beside it with the token that calls must
 * carry: its URL is open to the world.
 *
 *     code-engine.ts   what ../serverless has to know of it
 *     workload.ts      what apps and functions have in common; app.ts and function.ts what they are made of
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
  /** What tasks run as (default: app). */
  readonly workload?: WorkloadKind | undefined
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

const readyWithinMs = 300_000

interface Project {
  readonly id: string
  readonly name: string
  readonly status?: string
}

export class CodeEngine extends KnownPlatform implements Platform {
  readonly #options: CodeEngineOptions
  readonly #workload: Workload
  #api: CodeEngineApi | undefined
  #projectId = ""

  constructor(options: CodeEngineOptions) {
    super(codeEngineFacts(options))
    this.#options = options
    this.#workload = options.workload === "function" ? functionWorkload(options) : appWorkload(options)
  }

  async open(): Promise<string> {
    const { project = "cellfan" } = this.#options
    this.#refuseWhatFunctionsHaveNot()
    this.#api = new CodeEngineApi(this.#options)
    this.#projectId = await this.#findProject(this.#api, project)
    return `${this.#api.place}, project ${project}`
  }

  async deploy(size: FunctionSize, { say, signal }: Deploying): Promise<Callable> {
    const spec = this.#workload.specOf(size, this.#instanceOf(size.memoryMiB))
    const name = deploymentName(spec, size)
    const { scale_memory_limit: memory, scale_cpu_limit: cpu } = spec
    const { endpoint = "" } = await deployOnce<FoundWorkload>(
      {
        ...{ platform: this, name, place: this.#api?.place ?? "" },
        what: `${this.#workload.noun} with ${memory} and ${cpu} vCPU`,
        find: () => this.#find(name, signal),
        make: () => this.#make(name, spec, signal),
        remove: () => this.remove(name),
        stateOf: (found) =>
          found?.status === "ready" || found?.status === "failed" ? found.status : "under way",
        whyNot: (found) => notReady(found?.status_details?.reason ?? "it does not say why"),
      },
      { say, signal },
    )
    return { name, call: this.#callOf(name, size, endpoint, await this.#tokenOf(name, signal)) }
  }

  /** Of both kinds. */
  async list(): Promise<readonly ListedFunction[]> {
    const lists = this.#kinds.map(async ({ collection, listed }) => {
      const all = await this.#all<FoundWorkload>(collection, { doing: `list ${collection}` })
      return all.filter(({ name }) => isDeploymentName(name, undefined)).map(listed)
    })
    return (await Promise.all(lists)).flat()
  }

  async remove(name: string): Promise<boolean> {
    const paths = [...this.#kinds.map(({ collection }) => collection), "secrets"]
    const statuses = paths.map(async (path) => {
      const { status } = await this.#request(`${path}/${encodeURIComponent(name)}`, {
        ...{ doing: `delete ${name} of its ${path}`, method: "DELETE", expected: [404] },
      })
      return status
    })
    // That a secret was left alone is none.
    return (await Promise.all(statuses)).slice(0, -1).some((status) => status !== 404)
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

  get #kinds(): readonly Workload[] {
    return [appWorkload(this.#options), functionWorkload(this.#options)]
  }

  #refuseWhatFunctionsHaveNot(): void {
    const { workload, image, concurrency = 1, timeoutMs } = this.#options
    if (workload !== "function") return
    const wrong =
      image !== undefined
        ? "functions have no `image`"
        : concurrency > 1
          ? `functions run one call at once, not ${concurrency} (option \`concurrency\`)`
          : timeoutMs > this.limits.timeoutMs
            ? `functions run for at most ${this.limits.timeoutMs / 1000} s, not ${timeoutMs / 1000} (option \`timeoutMs\`)`
            : undefined
    if (wrong === undefined) return
    throw new BackendError(`On Code Engine ${wrong}; apps do: leave \`workload\` out.`, {
      ...{ backend: this.name, kind: "setup", retryable: false },
    })
  }

  async #find(name: string, signal: AbortSignal): Promise<FoundWorkload | undefined> {
    const { noun, collection } = this.#workload
    const { status, value } = await this.#request<FoundWorkload>(`${collection}/${name}`, {
      ...{ doing: `look for the ${noun} ${name}`, expected: [404], signal },
    })
    return status === 404 ? undefined : value
  }

  async #make(name: string, spec: WorkloadSpec, signal: AbortSignal): Promise<void> {
    const { noun, collection, secret, bodyOf } = this.#workload
    const made = { method: "POST", expected: [409], signal } as const
    await this.#request("secrets", {
      ...{ ...made, doing: `make the secret ${name}` },
      body: {
        ...{ name, format: "generic" },
        data: { ...secret(), token: randomBytes(24).toString("base64url") },
      },
    })
    await this.#request(collection, {
      ...{ ...made, doing: `make the ${noun} ${name}`, body: bodyOf(name, spec) },
    })
  }

  #instanceOf(memoryMiB: number): InstanceSize {
    try {
      return this.#workload.instanceOf(memoryMiB)
    } catch (error) {
      throw this.#error("setup", `has no room for that: ${(error as Error).message}`)
    }
  }

  async #tokenOf(name: string, signal: AbortSignal): Promise<string> {
    const { value } = await this.#request<{ data?: { token?: string } }>(`secrets/${name}`, {
      ...{ doing: `read the secret ${name}`, signal },
    })
    return value.data?.token ?? ""
  }

  #callOf(name: string, size: FunctionSize, url: string, token: string): Callable["call"] {
    const service: HttpService = {
      ...{
        name: this.name,
        title: this.title,
        meaningOf: (refusal) => callMeaning(this.#workload.noun, name, refusal),
      },
      ...{ place: this.#api?.place ?? "", addressHint: "the network" },
    }
    const headers = { "x-cellfan-token": token, "content-type": this.#workload.contentType }
    const target = { url, headers, doing: `call ${name}` }
    return async (event, answer, signal) => {
      try {
        return await callWorker(service, target, event, answer, signal)
      } catch (error) {
        if (!(error instanceof BackendError) || error.kind !== "timeout") throw error
        const reason = `was ended by ${this.title} ${timeoutHint(size, this)}`
        return { kind: "died", death: { kind: "timeout", reason }, billedMs: size.timeoutMs }
      }
    }
  }

  #error(kind: ReturnType<typeof notReady>["kind"], what: string): BackendError {
    return new BackendError(`Code Engine in ${this.#api?.place} ${what}.`, {
      ...{ backend: this.name, kind, retryable: false },
    })
  }
}
