import { createHash } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { cellfanVersion } from "../../util/version.ts"
import { callOf, regionFor, type TokenOptions, type Tokens, tokensFor } from "../google-calls.ts"
import { costOf, listPrices, type Prices } from "../google-prices.ts"
import { KnownPlatform } from "../serverless/known-platform.ts"
import type { Callable, Deploying, FunctionSize, ListedFunction, Platform } from "../serverless/platform.ts"
import { FunctionsApi } from "./api.ts"
import type { CloudFunction, FunctionSpec } from "./client.ts"
import { cloudFunctionsFacts, google } from "./facts.ts"
import { entryPoint, functionSource, runtimeFor } from "./source.ts"

/**
 * Functions on Google Cloud Functions, second generation: Google builds the source, and runs it on Cloud Run.
 *
 *     functions.ts           what ../serverless has to know of it
 *     api.ts                 making, finding, listing and deleting functions
 *     client.ts              Google's client for that, and how it sends
 *     source.ts              what a function is made of
 *     facts.ts               what is known of it before this is loaded
 *     ../google-errors.ts    what errors mean, and what can be done; ../google-prices.ts what calls cost
 */
export interface CloudFunctionsOptions extends TokenOptions, FunctionSize {
  /** URL of the interface that manages functions (default: Google's). */
  readonly endpoint?: string | undefined
  /** Calls that run at once. */
  readonly workers: number
  /** Calls that an instance runs at once (default: 1). */
  readonly concurrency?: number | undefined
  /** Processors of an instance (default: what Google gives with its memory; one at least where it runs several calls). */
  readonly cpu?: number | undefined
  /** "nodejs22", … (default: the nearest to the one here). */
  readonly runtime?: string | undefined
  /** What the functions run as (default: the project's own for computing). */
  readonly serviceAccount?: string | undefined
  readonly namespace?: string | undefined
  readonly env?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly prices?: Partial<Prices>
}

/** Processors that come with so many MiB. @see https://cloud.google.com/functions/docs/configuring/memory */
const cpuByMemory = [
  ...([
    [128, 0.083],
    [256, 0.167],
    [512, 0.333],
    [1024, 0.583],
  ] as const),
  ...([
    [2048, 1],
    [8192, 2],
    [16_384, 4],
    [32_768, 8],
  ] as const),
]

const versionLabel = "cellfan-version"
const lookAfterMs = 1000

export class CloudFunctions extends KnownPlatform implements Platform {
  readonly #options: CloudFunctionsOptions
  readonly #tokens: Tokens
  #api: FunctionsApi | undefined

  constructor(options: CloudFunctionsOptions) {
    super(cloudFunctionsFacts(options))
    this.#options = options
    this.#tokens = tokensFor(google, options, () => import("google-auth-library"))
  }

  async open(): Promise<string> {
    const region = regionFor(google, this.#options)
    const project = await this.#tokens.project()
    const { endpoint } = this.#options
    this.#api = new FunctionsApi(project, { endpoint, region, tokens: this.#tokens })
    await this.#api.list("be reached")
    return `${region}, project ${project}`
  }

  async deploy(size: FunctionSize, { say, signal }: Deploying): Promise<Callable> {
    const api = this.#api as FunctionsApi
    const spec = this.#specOf(size)
    const name = this.#nameFor(size, spec)
    let found = await api.find(name, signal)
    if (found?.state !== "ACTIVE") {
      const beganAt = performance.now()
      say(
        `Deploying ${name} to gcp_functions in ${this.#options.region}: ${size.memoryMiB} MiB, ${spec.buildConfig.runtime}; Google builds it, which takes a minute or two …`,
      )
      if (found?.state === "FAILED") await api.remove(name)
      // One that `clean` deletes is there for a while yet.
      if (found?.state === "FAILED" || found?.state === "DELETING")
        found = await this.#untilGone(name, signal)
      if (found === undefined) await this.#make(name, spec, signal)
      found = await this.#untilActive(name, signal)
      say(`Deployed ${name} in ${((performance.now() - beganAt) / 1000).toFixed(1)} s`)
    }
    const url = found?.serviceConfig?.uri ?? found?.url ?? ""
    const place = this.#options.region ?? ""
    return { name, call: callOf(google, { name, url, place, tokens: this.#tokens }) }
  }

  async list(): Promise<readonly ListedFunction[]> {
    const begins = this.#prefix
    const all = (await (this.#api as FunctionsApi).list()).map(listed)
    // Somebody may have given such a name to a function of their own.
    return all.filter(
      ({ name, version }) =>
        name.startsWith(begins) && /mib-[0-9a-f]{16}$/.test(name) && version !== undefined,
    )
  }

  remove(name: string): Promise<boolean> {
    return (this.#api as FunctionsApi).remove(name)
  }

  costUsd(billedMs: number, { memoryMiB }: FunctionSize): number {
    const { prices, concurrency = 1, cpu = this.#cpuWith(memoryMiB) } = this.#options
    return costOf(billedMs, { cpu, memoryMiB, concurrency }, { ...listPrices, ...prices })
  }

  close(): void {}

  #cpuWith(memoryMiB: number): number {
    const usual = cpuByMemory.find(([most]) => memoryMiB <= most)?.[1] ?? 8
    return (this.#options.concurrency ?? 1) > 1 ? Math.max(1, usual) : usual
  }

  async #make(name: string, spec: FunctionSpec, signal: AbortSignal): Promise<void> {
    const api = this.#api as FunctionsApi
    const storageSource = await api.upload(functionSource(), signal)
    const buildConfig = { ...spec.buildConfig, source: { storageSource } }
    await api.create(name, { ...spec, buildConfig }, signal)
  }

  /** Unless another kernel makes it anew meanwhile. */
  async #untilGone(name: string, signal: AbortSignal): Promise<CloudFunction | undefined> {
    for (;;) {
      const found = await (this.#api as FunctionsApi).find(name, signal)
      if (found?.state !== "DELETING" && found?.state !== "FAILED") return found
      await sleep(lookAfterMs, undefined, { signal })
    }
  }

  async #untilActive(name: string, signal: AbortSignal): Promise<CloudFunction> {
    const api = this.#api as FunctionsApi
    for (;;) {
      const found = await api.find(name, signal)
      if (found?.state === "ACTIVE") return found
      if (found?.state === "FAILED") {
        await api.remove(name).catch(() => {})
        throw api.notStarted(name, found.stateMessages?.map(({ message }) => message).join("; "))
      }
      if (found === undefined) throw api.notStarted(name, "it was deleted while it was made")
      await sleep(lookAfterMs, undefined, { signal })
    }
  }

  /** All that makes one function differ from others, but its source. */
  #specOf({ memoryMiB, timeoutMs }: FunctionSize): FunctionSpec {
    const { workers, concurrency = 1, cpu, runtime = runtimeFor(), env, labels } = this.#options
    const { serviceAccount } = this.#options
    const processors = cpu ?? (concurrency > 1 ? this.#cpuWith(memoryMiB) : undefined)
    return {
      description: "Runs tasks of cellfan. `cellfan clean` deletes it.",
      environment: "GEN_2",
      labels: {
        ...labels,
        "managed-by": "cellfan",
        [versionLabel]: cellfanVersion().replaceAll(".", "_").toLowerCase(),
      },
      buildConfig: { runtime, entryPoint },
      serviceConfig: {
        availableMemory: `${memoryMiB}Mi`,
        ...(processors !== undefined && { availableCpu: String(processors) }),
        timeoutSeconds: Math.ceil(timeoutMs / 1000),
        maxInstanceCount: Math.ceil(workers / concurrency),
        maxInstanceRequestConcurrency: concurrency,
        ingressSettings: "ALLOW_ALL",
        ...(serviceAccount !== undefined && { serviceAccountEmail: serviceAccount }),
        environmentVariables: {
          ...env,
          CELLFAN_BACKEND: this.name,
          CELLFAN_CONCURRENCY: String(concurrency),
          CELLFAN_MEMORY_MIB: String(memoryMiB),
          CELLFAN_TIMEOUT_MS: String(timeoutMs),
        },
      },
    }
  }

  /** Who needs the same finds the same. */
  #nameFor({ memoryMiB }: FunctionSize, spec: object): string {
    const hash = createHash("sha256").update(functionSource()).update(JSON.stringify(spec))
    return `${this.#prefix}${memoryMiB}mib-${hash.digest("hex").slice(0, 16)}`
  }

  get #prefix(): string {
    const { namespace } = this.#options
    return namespace === undefined ? "cellfan-" : `cellfan-${namespace.toLowerCase().replaceAll("_", "-")}-`
  }
}

function listed({ name, labels, updateTime, buildConfig, serviceConfig }: CloudFunction): ListedFunction {
  return {
    name: name.split("/").at(-1) ?? name,
    memoryMiB: Number.parseInt(serviceConfig?.availableMemory || "0", 10),
    timeoutMs: 1000 * (serviceConfig?.timeoutSeconds ?? 0),
    runtime: buildConfig?.runtime ?? "",
    architecture: "",
    modifiedAt: updateTime == null ? "" : new Date(1000 * Number(updateTime.seconds)).toISOString(),
    version: labels?.[versionLabel]?.replaceAll("_", "."),
  }
}
