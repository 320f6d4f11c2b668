import { randomBytes } from "node:crypto"
import { cellfanVersion } from "../../util/version.ts"
import {
  type Container,
  deploymentName,
  healthPath,
  isDeploymentName,
  packedWorker,
  workerContainer,
} from "../serverless/container.ts"
import { type DeployState, deployOnce } from "../serverless/deploy-once.ts"
import { callWorker, type HttpService } from "../serverless/http.ts"
import { KnownPlatform } from "../serverless/known-platform.ts"
import type { Callable, Deploying, FunctionSize, ListedFunction, Platform } from "../serverless/platform.ts"
import { Cluster, type ClusterAccess } from "./cluster.ts"
import { callMeaning, notReady } from "./errors.ts"
import { knativeFacts } from "./facts.ts"

/**
 * Services on Knative, in a cluster that is reached as kubectl reaches it. Each has a secret beside it, which holds the worker and the token
 * that calls must carry: its URL may be open to the world.
 *
 *     knative.ts     what ../serverless has to know of it
 *     cluster.ts     requests to the cluster's API
 *     facts.ts       what is known of it before this is loaded
 *     errors.ts      what errors mean, and what can be done
 */
export interface KnativeOptions extends ClusterAccess, FunctionSize {
  /** Kubernetes' namespace (default: the context's). */
  readonly namespace?: string | undefined
  /** Calls that run at once. */
  readonly workers: number
  /** Calls that an instance runs at once (default: 1). */
  readonly concurrency?: number | undefined
  /** Processors of an instance (default: 1). */
  readonly cpu?: number | undefined
  /** An image with Node.js (default: Node's own). */
  readonly image?: string | undefined
  /** Address of the cluster's gateway, where the services' own URLs do not lead to it. */
  readonly ingressEndpoint?: string | undefined
  readonly env?: Readonly<Record<string, string>>
  readonly usdPerGbSecond?: number | undefined
}

const managedBy = "app.kubernetes.io/managed-by"
const versionLabel = "cellfan.dev/version"
const folder = "/cellfan"

interface Condition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
}

/** A service of Knative, as far as it is used here. */
interface KnativeService {
  readonly metadata: {
    readonly name: string
    readonly labels?: Readonly<Record<string, string>>
    readonly creationTimestamp?: string
  }
  readonly spec: {
    readonly template: {
      readonly spec: {
        readonly timeoutSeconds?: number
        readonly containers: readonly [
          { readonly image: string; readonly resources?: { readonly limits?: { readonly memory?: string } } },
        ]
      }
    }
  }
  readonly status?: { readonly url?: string; readonly conditions?: readonly Condition[] }
}

export class Knative extends KnownPlatform implements Platform {
  readonly #options: KnativeOptions
  #cluster: Cluster | undefined

  constructor(options: KnativeOptions) {
    super(knativeFacts(options))
    this.#options = options
  }

  async open(): Promise<string> {
    this.#cluster = await Cluster.open(this.#options)
    await this.#request(`${this.#services}?limit=1`, { doing: "be reached" })
    return `${this.#cluster.place}/${this.#namespace}`
  }

  async deploy(size: FunctionSize, { say, signal }: Deploying): Promise<Callable> {
    const { concurrency, image, env } = this.#options
    const container = workerContainer({ ...size, backend: this.name, concurrency, image, env })
    const spec = this.#specOf(container, size)
    const name = deploymentName(spec, size)
    const { status } = await deployOnce<KnativeService>(
      {
        ...{ platform: this, name, place: this.#cluster?.place ?? "" },
        what: `${size.memoryMiB} MiB, ${container.image}`,
        find: () => this.#find(name, signal),
        make: () => this.#make(name, spec, signal),
        remove: () => this.remove(name),
        stateOf,
        whyNot(found) {
          const { reason = "no reason", message = "it does not say why" } = readyIn(found) ?? {}
          return notReady(reason, message)
        },
      },
      { say, signal },
    )
    return { name, call: this.#callOf(name, status?.url ?? "", await this.#tokenOf(name, signal)) }
  }

  async list(): Promise<readonly ListedFunction[]> {
    const query = `labelSelector=${encodeURIComponent(`${managedBy}=cellfan`)}`
    const { value } = await this.#request<{ items: readonly KnativeService[] }>(
      `${this.#services}?${query}`,
      {
        doing: "list services",
      },
    )
    return value.items.filter(({ metadata }) => isDeploymentName(metadata.name, undefined)).map(listed)
  }

  async remove(name: string): Promise<boolean> {
    const gone = await this.#request(`${this.#services}/${encodeURIComponent(name)}`, {
      ...{ doing: `delete the service ${name}`, method: "DELETE", expected: [404] },
    })
    await this.#request(`${this.#secrets}/${encodeURIComponent(name)}`, {
      ...{ doing: `delete the secret ${name}`, method: "DELETE", expected: [404] },
    })
    return gone.status !== 404
  }

  costUsd(billedMs: number, { memoryMiB }: FunctionSize): number {
    return (billedMs / 1000) * (memoryMiB / 1024) * (this.#options.usdPerGbSecond ?? 0)
  }

  close(): void {}

  get #namespace(): string {
    return this.#options.namespace ?? this.#cluster?.namespace ?? "default"
  }

  get #services(): string {
    return `/apis/serving.knative.dev/v1/namespaces/${this.#namespace}/services`
  }

  get #secrets(): string {
    return `/api/v1/namespaces/${this.#namespace}/secrets`
  }

  #request<T>(path: string, request: Parameters<Cluster["request"]>[1]) {
    return (this.#cluster as Cluster).request<T>(path, request)
  }

  async #find(name: string, signal: AbortSignal): Promise<KnativeService | undefined> {
    const { status, value } = await this.#request<KnativeService>(`${this.#services}/${name}`, {
      ...{ doing: `look for the service ${name}`, expected: [404], signal },
    })
    return status === 404 ? undefined : value
  }

  async #make(name: string, spec: { readonly spec: object }, signal: AbortSignal): Promise<void> {
    const metadata = { name, labels: { [managedBy]: "cellfan", [versionLabel]: cellfanVersion() } }
    const made = { method: "POST", expected: [409], signal } as const
    await this.#request(this.#secrets, {
      ...{ ...made, doing: `make the secret ${name}` },
      body: {
        ...{ apiVersion: "v1", kind: "Secret", metadata, type: "Opaque", immutable: true },
        stringData: { worker: packedWorker(), token: randomBytes(24).toString("base64url") },
      },
    })
    await this.#request(this.#services, {
      ...{ ...made, doing: `make the service ${name}` },
      body: {
        ...{ apiVersion: "serving.knative.dev/v1", kind: "Service", metadata },
        spec: { template: withSecret(spec, name) },
      },
    })
  }

  /** All that makes one service differ from others. */
  #specOf({ image, command, args, env }: Container, { memoryMiB, timeoutMs }: FunctionSize) {
    const { workers, concurrency = 1, cpu = 1 } = this.#options
    const variables = {
      ...env,
      CELLFAN_WORKER_FILE: `${folder}/worker`,
      CELLFAN_TOKEN_FILE: `${folder}/token`,
    }
    const resources = { cpu: String(cpu), memory: `${memoryMiB}Mi` }
    return {
      metadata: {
        annotations: {
          "autoscaling.knative.dev/max-scale": String(Math.ceil(workers / concurrency)),
          // An instance is to be as full as it may be.
          "autoscaling.knative.dev/target-utilization-percentage": "100",
        },
      },
      spec: {
        containerConcurrency: concurrency,
        timeoutSeconds: Math.ceil(timeoutMs / 1000),
        containers: [
          {
            ...{ image, command, args },
            env: Object.entries(variables).map(([name, value]) => ({ name, value })),
            ports: [{ containerPort: 8080 }],
            readinessProbe: { httpGet: { path: healthPath } },
            resources: { limits: resources, requests: resources },
            volumeMounts: [{ name: "cellfan", mountPath: folder, readOnly: true }],
          },
        ],
      },
    }
  }

  async #tokenOf(name: string, signal: AbortSignal): Promise<string> {
    const { value } = await this.#request<{ data?: { token?: string } }>(`${this.#secrets}/${name}`, {
      ...{ doing: `read the secret ${name}`, signal },
    })
    return Buffer.from(value.data?.token ?? "", "base64").toString()
  }

  #callOf(name: string, url: string, token: string): Callable["call"] {
    const { ingressEndpoint } = this.#options
    const { host } = new URL(url)
    const service: HttpService = {
      ...{ name: this.name, title: this.title, meaningOf: (refusal) => callMeaning(name, refusal) },
      place: ingressEndpoint ?? host,
      addressHint: "option `ingressEndpoint`, the address of the cluster's gateway",
    }
    const headers = { "x-cellfan-token": token, ...(ingressEndpoint !== undefined && { host }) }
    const target = { url: ingressEndpoint ?? url, headers, doing: `call ${name}` }
    return (event, answer, signal) => callWorker(service, target, event, answer, signal)
  }
}

function withSecret<T extends { spec: object }>(template: T, secretName: string) {
  return { ...template, spec: { ...template.spec, volumes: [{ name: "cellfan", secret: { secretName } }] } }
}

function readyIn(service: KnativeService | undefined): Condition | undefined {
  return service?.status?.conditions?.find(({ type }) => type === "Ready")
}

function stateOf(service: KnativeService | undefined): DeployState {
  const status = readyIn(service)?.status
  return status === "True" ? "ready" : status === "False" ? "failed" : "under way"
}

function listed({ metadata, spec }: KnativeService): ListedFunction {
  const { timeoutSeconds = 0, containers } = spec.template.spec
  const [{ image, resources }] = containers
  return {
    name: metadata.name,
    memoryMiB: Number.parseInt(resources?.limits?.memory ?? "0", 10),
    timeoutMs: 1000 * timeoutSeconds,
    runtime: image.replace(/^docker\.io\/library\//, ""),
    architecture: "",
    modifiedAt: metadata.creationTimestamp ?? "",
    version: metadata.labels?.[versionLabel],
  }
}
