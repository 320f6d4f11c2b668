import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TLSSocket } from "node:tls"
import * as z from "zod"
import { Conditions } from "./conditions.ts"
import { Revision } from "./revision.ts"
import { type Reply, type Route, type StrictServer, startStrictServer } from "./strict-server.ts"

/**
 * The part of a cluster's API that Knative Serving needs, and the gateway before its services, which run as processes. Fields are those of
 * serving.knative.dev/v1 and of Kubernetes' core; words of errors are theirs.
 *
 * @see https://github.com/knative/specs/blob/main/specs/serving/knative-api-specification-1.0.md
 */
export interface KnativeServer extends StrictServer {
  readonly conditions: Conditions
  /** File by which clients find it. */
  readonly kubeconfig: string
  readonly services: Map<string, Stored>
  readonly secrets: Map<string, z.output<typeof secretSchema>>
}

interface Stored {
  readonly service: z.output<typeof serviceSchema>
  readonly revision: Revision
  readonly createdAt: string
  ready: { status: "True" | "False" | "Unknown"; reason?: string; message?: string }
}

const token = "a token of the test"
const text = z.string().min(1)
const labels = z.record(z.string(), z.string())
const name = z.string().regex(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/)
const metadata = z.strictObject({ name, labels: labels.optional(), annotations: labels.optional() })

const secretSchema = z.strictObject({
  apiVersion: z.literal("v1"),
  kind: z.literal("Secret"),
  metadata,
  type: z.string().optional(),
  immutable: z.boolean().optional(),
  data: labels.optional(),
  stringData: labels.optional(),
})

const resources = z.strictObject({ cpu: z.string().optional(), memory: z.string().optional() })

const containerSchema = z.strictObject({
  name: text.optional(),
  image: text,
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  env: z
    .array(z.strictObject({ name: z.string().regex(/^[A-Za-z_][\w.-]*$/), value: z.string() }))
    .optional(),
  ports: z
    .array(z.strictObject({ containerPort: z.number().int(), name: z.enum(["http1", "h2c"]).optional() }))
    .max(1)
    .optional(),
  readinessProbe: z
    .strictObject({
      httpGet: z.strictObject({ path: text, port: z.number().int().optional() }).optional(),
      periodSeconds: z.number().int().optional(),
      timeoutSeconds: z.number().int().optional(),
    })
    .optional(),
  resources: z.strictObject({ limits: resources.optional(), requests: resources.optional() }).optional(),
  volumeMounts: z
    .array(z.strictObject({ name: text, mountPath: z.string().startsWith("/"), readOnly: z.literal(true) }))
    .optional(),
})

const serviceSchema = z.strictObject({
  apiVersion: z.literal("serving.knative.dev/v1"),
  kind: z.literal("Service"),
  metadata,
  spec: z.strictObject({
    template: z.strictObject({
      metadata: z.strictObject({ labels: labels.optional(), annotations: labels.optional() }).optional(),
      spec: z.strictObject({
        containerConcurrency: z.number().int().min(0).max(1000).optional(),
        timeoutSeconds: z.number().int().optional(),
        serviceAccountName: text.optional(),
        containers: z.array(containerSchema).length(1),
        volumes: z
          .array(z.strictObject({ name: text, secret: z.strictObject({ secretName: name }) }))
          .optional(),
      }),
    }),
  }),
})

const longestTimeoutSeconds = 600

export interface KnativeServerOptions {
  readonly maxInstances?: number
  /** The cluster's API by TLS; who has the certificate gets in, and no token is given to anybody. */
  readonly tls?: { readonly key: string; readonly cert: string }
}

export async function startKnative({
  maxInstances = 4,
  tls,
}: KnativeServerOptions = {}): Promise<KnativeServer> {
  const conditions = new Conditions(maxInstances)
  const services = new Map<string, Stored>()
  const secrets = new Map<string, z.output<typeof secretSchema>>()
  const folder = await mkdtemp(join(tmpdir(), "cellfan-knative-"))
  const core = "/api/v1/namespaces/{namespace}/secrets"
  const serving = "/apis/serving.knative.dev/v1/namespaces/{namespace}/services"

  const routes: Route[] = [
    {
      method: "POST",
      path: core,
      body: secretSchema,
      handle({ body, bytes }) {
        const secret = body as z.output<typeof secretSchema>
        if (bytes.length > 2 ** 20)
          return status(
            422,
            "Invalid",
            "Secret is invalid: data: Too long: may not be more than 1048576 bytes",
          )
        if (secrets.has(secret.metadata.name)) return exists("secrets", secret.metadata.name)
        secrets.set(secret.metadata.name, secret)
        return { status: 201, body: withData(secret) }
      },
    },
    {
      method: "GET",
      path: `${core}/{name}`,
      handle: ({ params }) => {
        const secret = secrets.get(params.name ?? "")
        return secret === undefined
          ? missing("secrets", params.name)
          : { status: 200, body: withData(secret) }
      },
    },
    {
      method: "DELETE",
      path: `${core}/{name}`,
      handle: ({ params }) =>
        secrets.delete(params.name ?? "") ? { status: 200, body: {} } : missing("secrets", params.name),
    },
    {
      method: "POST",
      path: serving,
      body: serviceSchema,
      handle: ({ body }) => make(body as Stored["service"]),
    },
    {
      method: "GET",
      path: serving,
      query: ["labelSelector", "limit"],
      handle({ query }) {
        const [key = "", value] = (query.get("labelSelector") ?? "").split("=")
        const chosen = [...services.values()].filter(
          ({ service }) => key === "" || service.metadata.labels?.[key] === value,
        )
        return { status: 200, body: { kind: "ServiceList", items: chosen.map(shown) } }
      },
    },
    {
      method: "GET",
      path: `${serving}/{name}`,
      handle: ({ params }) => {
        const stored = services.get(params.name ?? "")
        return stored === undefined
          ? missing("services.serving.knative.dev", params.name)
          : { status: 200, body: shown(stored) }
      },
    },
    {
      method: "DELETE",
      path: `${serving}/{name}`,
      async handle({ params }) {
        const stored = services.get(params.name ?? "")
        if (stored === undefined) return missing("services.serving.knative.dev", params.name)
        services.delete(params.name ?? "")
        await stored.revision.stop()
        return { status: 200, body: {} }
      },
    },
  ]

  const server = await startStrictServer({
    routes,
    tls,
    authorize({ headers, socket }) {
      const isKnown =
        tls === undefined
          ? headers.authorization === `Bearer ${token}`
          : (socket as Partial<TLSSocket>).authorized === true
      return isKnown ? undefined : status(401, "Unauthorized", "Unauthorized")
    },
    refuse: (code, message) => status(code, "BadRequest", message),
    elsewhere(request, response) {
      const [, service] = /^([^.]+)\.[^.]+\.example\.test$/.exec(request.headers.host ?? "") ?? []
      if (service === undefined) return false
      const stored = services.get(service)
      if (stored === undefined) response.writeHead(404).end()
      else void stored.revision.handle(request, response)
      return true
    },
    async stop() {
      await Promise.all([...services.values()].map(({ revision }) => revision.stop()))
      await rm(folder, { recursive: true, force: true })
    },
  })
  const kubeconfig = join(folder, "config")
  await writeFile(kubeconfig, kubeconfigOf(server.url, tls))
  return { ...server, conditions, kubeconfig, services, secrets }

  function make(service: Stored["service"]): Reply {
    const { name } = service.metadata
    if (services.has(name)) return exists("services.serving.knative.dev", name)
    const { timeoutSeconds = 300 } = service.spec.template.spec
    if (timeoutSeconds > longestTimeoutSeconds)
      return status(
        400,
        "BadRequest",
        `admission webhook "validation.webhook.serving.knative.dev" denied the request: validation failed: expected 0 <= ${timeoutSeconds} <= ${longestTimeoutSeconds}: spec.template.spec.timeoutSeconds`,
      )
    const stored: Stored = {
      service,
      revision: revisionOf(service),
      createdAt: new Date().toISOString(),
      ready: { status: "Unknown" },
    }
    services.set(name, stored)
    void bringUp(stored)
    return { status: 201, body: shown(stored) }
  }

  async function bringUp(stored: Stored): Promise<void> {
    const [container] = stored.service.spec.template.spec.containers
    const fail = (message: string) => {
      stored.ready = { status: "False", reason: "RevisionMissing", message }
    }
    if (!/(^|\/)node:\d/.test(container?.image ?? ""))
      return fail(`Unable to fetch image "${container?.image}": failed to resolve image to digest: not found`)
    const failure = await stored.revision.warm()
    if (failure !== undefined) return fail(`Container failed with: ${failure}`)
    stored.ready = { status: "True" }
  }

  function revisionOf({ spec, metadata: { name } }: Stored["service"]): Revision {
    const { containers, volumes = [], containerConcurrency = 0, timeoutSeconds = 300 } = spec.template.spec
    const [container] = containers as [z.output<typeof containerSchema>]
    const files: Record<string, string> = {}
    for (const { name: volume, mountPath } of container.volumeMounts ?? []) {
      const secretName = volumes.find((one) => one.name === volume)?.secret.secretName ?? ""
      const { stringData = {} } = secrets.get(secretName) ?? {}
      for (const [file, value] of Object.entries(stringData)) files[`${mountPath}/${file}`] = value
    }
    const said = (code: number, words: string): Reply => ({ status: code, body: { error: words } })
    const mostAnnotated = Number(
      spec.template.metadata?.annotations?.["autoscaling.knative.dev/max-scale"] ?? 0,
    )
    return new Revision({
      command: container.command ?? [],
      args: container.args ?? [],
      env: Object.fromEntries((container.env ?? []).map((one) => [one.name, one.value])),
      files,
      memoryMiB: Number.parseInt(container.resources?.limits?.memory ?? "512", 10),
      concurrency: containerConcurrency || 1000,
      maxInstances: mostAnnotated || Number.POSITIVE_INFINITY,
      conditions,
      timeoutMs: timeoutSeconds * 1000,
      healthPath: container.readinessProbe?.httpGet?.path ?? "/",
      words: {
        full: said(503, "pending request queue full"),
        timeout: said(504, "activator request timeout"),
        startFailed: said(503, `no healthy upstream of ${name}`),
        died: said(502, "dial tcp 10.0.0.1:8012: connect: connection refused"),
        tooLarge: said(413, "request entity too large"),
      },
    })
  }
}

function shown({ service, ready, createdAt }: Stored): object {
  const { name, ...meta } = service.metadata
  return {
    ...service,
    metadata: { name, namespace: "default", creationTimestamp: createdAt, ...meta },
    status: {
      url: `http://${name}.default.example.test`,
      conditions: [
        { type: "ConfigurationsReady", status: ready.status },
        { type: "Ready", ...ready },
      ],
    },
  }
}

function withData({ stringData = {}, ...secret }: z.output<typeof secretSchema>): object {
  const data = Object.entries(stringData).map(([key, value]) => [key, Buffer.from(value).toString("base64")])
  return { ...secret, data: Object.fromEntries(data) }
}

function kubeconfigOf(url: string, tls: KnativeServerOptions["tls"]): string {
  const base64 = (text: string) => Buffer.from(text).toString("base64")
  const trust =
    tls === undefined
      ? { "insecure-skip-tls-verify": true }
      : { "certificate-authority-data": base64(tls.cert) }
  const user =
    tls === undefined
      ? { token }
      : { "client-certificate-data": base64(tls.cert), "client-key-data": base64(tls.key) }
  return JSON.stringify({
    ...{ apiVersion: "v1", kind: "Config", "current-context": "test" },
    clusters: [{ name: "test", cluster: { server: url, ...trust } }],
    users: [{ name: "test", user }],
    contexts: [{ name: "test", context: { cluster: "test", user: "test" } }],
  })
}

function status(code: number, reason: string, message: string): Reply {
  return {
    status: code,
    body: { kind: "Status", apiVersion: "v1", status: "Failure", message, reason, code },
  }
}

function exists(kind: string, what: string): Reply {
  return status(409, "AlreadyExists", `${kind} "${what}" already exists`)
}

function missing(kind: string, what = ""): Reply {
  return status(404, "NotFound", `${kind} "${what}" not found`)
}
