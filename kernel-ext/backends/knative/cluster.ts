import { BackendError } from "../../errors.ts"
import { loadPackage } from "../../util/load-package.ts"
import { type HttpService, requestJson } from "../serverless/http.ts"
import { clusterMeaning } from "./errors.ts"

/** How a cluster is reached: as kubectl reaches it. */
export interface ClusterAccess {
  /** Of the kubeconfig (default: KUBECONFIG, ~/.kube/config, or that of the pod this runs in). */
  readonly kubeconfig?: string | undefined
  readonly context?: string | undefined
}

/** What a request of Kubernetes has, as far as KubeConfig fills it in. */
interface TlsOptions {
  headers?: Record<string, string>
  ca?: string | Buffer
  cert?: string | Buffer
  key?: string | Buffer
  rejectUnauthorized?: boolean
}

const importKubernetes = () => import("@kubernetes/client-node")

type KubeConfig = InstanceType<Awaited<ReturnType<typeof importKubernetes>>["KubeConfig"]>

/**
 * Requests to a cluster's API. Who it is, and by which token, certificate or program, is read by Kubernetes' own package; the
 * requests themselves are few and are made here.
 */
export class Cluster {
  /** For people: the context, or the host. */
  readonly place: string
  /** The namespace that the context names. */
  readonly namespace: string
  readonly #config: KubeConfig
  readonly #url: string

  private constructor(config: KubeConfig, url: string) {
    this.#config = config
    this.#url = url.replace(/\/$/, "")
    const context = config.getContextObject(config.getCurrentContext())
    this.place = context?.name ?? this.#url
    this.namespace = context?.namespace ?? "default"
  }

  static async open({ kubeconfig, context }: ClusterAccess): Promise<Cluster> {
    const { KubeConfig } = await loadPackage("@kubernetes/client-node", importKubernetes, (cause) =>
      setup("Kubernetes' package, which is not installed: run npm install @kubernetes/client-node@1", cause),
    )
    const config = new KubeConfig()
    try {
      if (kubeconfig === undefined) config.loadFromDefault()
      else config.loadFromFile(kubeconfig)
    } catch (cause) {
      const which = kubeconfig ?? process.env.KUBECONFIG ?? "~/.kube/config"
      throw setup(`a kubeconfig, but ${which} cannot be read: ${(cause as Error).message}`, cause)
    }
    if (context !== undefined) {
      const names = config.getContexts().map(({ name }) => name)
      if (!names.includes(context))
        throw setup(
          `the context "${context}", which the kubeconfig has not; it has ${names.join(", ") || "none"}`,
        )
      config.setCurrentContext(context)
    }
    const cluster = config.getCurrentCluster()
    // Where it finds nothing at all, the package thinks of a server of long ago.
    if (cluster === null || cluster.server === "http://localhost:8080")
      throw setup(
        "a kubeconfig: ~/.kube/config, KUBECONFIG, or option `kubeconfig`; `kubectl cluster-info` shows whether one is found",
      )
    return new Cluster(config, cluster.server)
  }

  async request<T>(path: string, request: Parameters<typeof requestJson>[2]) {
    const tls: TlsOptions = {}
    try {
      // A token may have expired: the package gets another.
      await this.#config.applyToHTTPSOptions(tls)
    } catch (cause) {
      throw new BackendError(
        `Knative in ${this.place} could not ${request.doing}: the kubeconfig's way to log in failed: ${(cause as Error).message}`,
        { backend: "knative", kind: "credentials", retryable: false, cause },
      )
    }
    const { headers = {}, ca, cert, key, rejectUnauthorized } = tls
    const service: HttpService = {
      ...{ name: "knative", title: "Knative", place: this.place, meaningOf: clusterMeaning },
      connection: {
        authority: ca?.toString(),
        ...(cert !== undefined &&
          key !== undefined && { identity: { cert: String(cert), key: String(key) } }),
        insecure: rejectUnauthorized === false,
      },
      addressHint: "the cluster's address in the kubeconfig",
    }
    return requestJson<T>(service, this.#url + path, {
      ...request,
      headers: { ...headers, ...request.headers },
    })
  }
}

function setup(what: string, cause?: unknown): BackendError {
  return new BackendError(`Tasks on Knative need ${what}.`, {
    ...{ backend: "knative", kind: "setup", retryable: false },
    ...(cause !== undefined && { cause }),
  })
}
