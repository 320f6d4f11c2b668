import { cellfanVersion } from "../../util/version.ts"
import { callOf, regionFor, type TokenOptions, type Tokens, tokensFor } from "../google-calls.ts"
import { type GoogleService, managementMeaning, notReady } from "../google-errors.ts"
import { costOf, listPrices, type Prices } from "../google-prices.ts"
import {
  deploymentName,
  healthPath,
  isDeploymentName,
  packedWorkerVariables,
  workerContainer,
} from "../serverless/container.ts"
import { type DeployState, deployOnce } from "../serverless/deploy-once.ts"
import { type HttpService, requestJson } from "../serverless/http.ts"
import { KnownPlatform } from "../serverless/known-platform.ts"
import type { Callable, Deploying, FunctionSize, ListedFunction, Platform } from "../serverless/platform.ts"
import { cloudRunFacts } from "./facts.ts"

/**
 * Services on Google Cloud Run, by its Admin API. Cloud Run itself lets through only who may call them.
 *
 *     cloudrun.ts            what ../serverless has to know of it
 *     ../google-errors.ts    what errors mean, and what can be done; ../google-prices.ts what calls cost
 *
 * @see https://cloud.google.com/run/docs/reference/rest/v2/projects.locations.services
 */
export interface CloudRunOptions extends TokenOptions, FunctionSize {
  /** URL of the Admin API (default: Google's). */
  readonly endpoint?: string | undefined
  /** Calls that run at once. */
  readonly workers: number
  /** Calls that an instance runs at once (default: 1). */
  readonly concurrency?: number | undefined
  /** Processors of an instance (default: as few as its memory allows, and one at least). */
  readonly cpu?: number | undefined
  /** An image with Node.js (default: Node's own). */
  readonly image?: string | undefined
  /** What the services run as (default: the project's own for computing). */
  readonly serviceAccount?: string | undefined
  readonly namespace?: string | undefined
  readonly env?: Readonly<Record<string, string>>
  readonly labels?: Readonly<Record<string, string>>
  readonly prices?: Partial<Prices>
}

const google: GoogleService = {
  ...{ name: "gcp_cloudrun", title: "Cloud Run" },
  ...{ api: "run.googleapis.com", developer: "Cloud Run Developer" },
  logs: "gcloud run services logs read",
  packages: "google-auth-library",
}

/** Of an environment variable: 32 KiB. */
const variableLength = 30_000
const versionAnnotation = "cellfan.dev/version"

/** A service, as far as it is used here. */
interface Service {
  readonly name: string
  readonly uri?: string
  readonly reconciling?: boolean
  readonly terminalCondition?: { readonly state?: string; readonly message?: string }
  readonly annotations?: Readonly<Record<string, string>>
  readonly updateTime?: string
  readonly template?: {
    readonly timeout?: string
    readonly containers?: readonly {
      readonly image?: string
      readonly resources?: { readonly limits?: { readonly memory?: string } }
    }[]
  }
}

export class CloudRun extends KnownPlatform implements Platform {
  readonly #options: CloudRunOptions
  readonly #tokens: Tokens
  #project = ""

  constructor(options: CloudRunOptions) {
    super(cloudRunFacts(options))
    this.#options = options
    this.#tokens = tokensFor(google, options, () => import("google-auth-library"))
  }

  async open(): Promise<string> {
    const region = regionFor(google, this.#options)
    this.#project = await this.#tokens.project()
    await this.#request("?pageSize=1", { doing: "be reached" })
    return `${region}, project ${this.#project}`
  }

  async deploy(size: FunctionSize, { say, signal }: Deploying): Promise<Callable> {
    const { namespace, region = "" } = this.#options
    const body = this.#serviceOf(size)
    const name = deploymentName(body, { ...size, namespace })
    const [{ image }] = body.template.containers
    const making = {
      doing: `make the service ${name}`,
      method: "POST",
      body,
      expected: [409],
      signal,
    } as const
    const { uri = "" } = await deployOnce<Service>(
      {
        ...{ platform: this, name, place: region, what: `${size.memoryMiB} MiB, ${image}`, stateOf },
        find: () => this.#find(name, signal),
        make: () => this.#request(`?serviceId=${name}`, making),
        remove: () => this.remove(name),
        whyNot: (service) => notReady(service?.terminalCondition?.message ?? "it does not say why", true),
      },
      { say, signal },
    )
    return { name, call: callOf(google, { name, url: uri, place: region, tokens: this.#tokens }) }
  }

  async list(): Promise<readonly ListedFunction[]> {
    const found: Service[] = []
    for (let pageToken: string | undefined = ""; pageToken !== undefined; ) {
      const from: string = pageToken === "" ? "" : `&pageToken=${encodeURIComponent(pageToken)}`
      const { value } = await this.#request<{ services?: readonly Service[]; nextPageToken?: string }>(
        `?pageSize=100${from}`,
        { doing: "list services" },
      )
      found.push(...(value.services ?? []))
      pageToken = value.nextPageToken || undefined
    }
    return found.map(listed).filter(({ name, version }) => {
      // Somebody may have given such a name to a service of their own.
      return isDeploymentName(name, this.#options.namespace) && version !== undefined
    })
  }

  async remove(name: string): Promise<boolean> {
    const { status } = await this.#request(`/${encodeURIComponent(name)}`, {
      ...{ doing: `delete the service ${name}`, method: "DELETE", expected: [404] },
    })
    return status !== 404
  }

  costUsd(billedMs: number, { memoryMiB }: FunctionSize): number {
    const { prices, concurrency = 1 } = this.#options
    return costOf(
      billedMs,
      { cpu: this.#cpuFor(memoryMiB), memoryMiB, concurrency },
      { ...listPrices, ...prices },
    )
  }

  close(): void {}

  /** @param path Follows the URL of the services. */
  async #request<T>(path: string, request: Parameters<typeof requestJson>[2]) {
    const { region, endpoint = "https://run.googleapis.com" } = this.#options
    const service: HttpService = {
      ...{ name: this.name, title: this.title, meaningOf: (refusal) => managementMeaning(google, refusal) },
      ...{ place: region ?? "", addressHint: "option `endpoint`" },
    }
    const headers = await this.#tokens.headersFor(endpoint)
    const url = `${endpoint.replace(/\/$/, "")}/v2/projects/${this.#project}/locations/${region}/services${path}`
    return requestJson<T>(service, url, { ...request, headers })
  }

  async #find(name: string, signal: AbortSignal): Promise<Service | undefined> {
    const { status, value } = await this.#request<Service>(`/${name}`, {
      ...{ doing: `look for the service ${name}`, expected: [404], signal },
    })
    return status === 404 ? undefined : value
  }

  /** All that makes one service differ from others. */
  #serviceOf({ memoryMiB, timeoutMs }: FunctionSize) {
    const { workers, concurrency = 1, image, env, labels, serviceAccount } = this.#options
    const container = workerContainer({
      ...{ backend: this.name, image, concurrency, memoryMiB, timeoutMs, env },
    })
    const variables = {
      ...{ ...container.env, CELLFAN_AUTH: "platform" },
      ...packedWorkerVariables(variableLength),
    }
    return {
      labels: { ...labels, "managed-by": "cellfan" },
      annotations: { [versionAnnotation]: cellfanVersion() },
      ingress: "INGRESS_TRAFFIC_ALL",
      template: {
        ...(serviceAccount !== undefined && { serviceAccount }),
        executionEnvironment: "EXECUTION_ENVIRONMENT_GEN2",
        timeout: `${Math.ceil(timeoutMs / 1000)}s`,
        maxInstanceRequestConcurrency: concurrency,
        scaling: { minInstanceCount: 0, maxInstanceCount: Math.ceil(workers / concurrency) },
        containers: [
          {
            image: container.image,
            command: container.command,
            args: container.args,
            env: Object.entries(variables).map(([name, value]) => ({ name, value })),
            ports: [{ containerPort: 8080 }],
            startupProbe: {
              httpGet: { path: healthPath },
              periodSeconds: 1,
              timeoutSeconds: 1,
              failureThreshold: 120,
            },
            resources: {
              limits: { cpu: String(this.#cpuFor(memoryMiB)), memory: `${memoryMiB}Mi` },
              ...{ cpuIdle: true, startupCpuBoost: true },
            },
          },
        ] as const,
      },
    }
  }

  /** Large memories come with several processors. */
  #cpuFor(memoryMiB: number): number {
    const least = memoryMiB <= 4096 ? 1 : memoryMiB <= 8192 ? 2 : memoryMiB <= 16_384 ? 4 : 8
    return this.#options.cpu ?? least
  }
}

function stateOf(service: Service | undefined): DeployState {
  if (service === undefined || service.reconciling) return "under way"
  const state = service.terminalCondition?.state
  return state === "CONDITION_SUCCEEDED" ? "ready" : state === "CONDITION_FAILED" ? "failed" : "under way"
}

function listed({ name, annotations, updateTime = "", template = {} }: Service): ListedFunction {
  const [container] = template.containers ?? []
  return {
    name: name.split("/").at(-1) ?? name,
    memoryMiB: Number.parseInt(container?.resources?.limits?.memory ?? "0", 10),
    timeoutMs: 1000 * Number.parseInt(template.timeout ?? "0", 10),
    runtime: (container?.image ?? "").replace(/^docker\.io\/library\//, ""),
    architecture: "",
    modifiedAt: updateTime,
    version: annotations?.[versionAnnotation],
  }
}
