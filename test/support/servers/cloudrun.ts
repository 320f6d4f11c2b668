import * as z from "zod"
import { Conditions } from "./conditions.ts"
import { accessToken, isIdentityFor } from "./google-metadata.ts"
import { Revision } from "./revision.ts"
import {
  type Reply,
  type Route,
  type StrictOptions,
  type StrictServer,
  startStrictServer,
} from "./strict-server.ts"

/**
 * Cloud Run's Admin API, version 2, and the services, which run as processes. Paths, parameters and fields are those of Google's discovery document
 * (https://run.googleapis.com/$discovery/rest?version=v2); words of errors are Google's.
 */
export interface CloudRunServer extends StrictServer {
  readonly conditions: Conditions
  readonly services: Map<string, StoredService>
}

interface StoredService {
  readonly spec: z.output<typeof serviceSchema>
  readonly revision: Revision
  readonly updateTime: string
  state: "CONDITION_RECONCILING" | "CONDITION_SUCCEEDED" | "CONDITION_FAILED"
  message: string
}

/** A service is called with a token that is for its URL and for nothing else. */
export const identityToken = (url: string) => `an identity token for ${url}`

/** The stand-in, or one that Google's own library got: those are for addresses with TLS. */
const isIdentity = (authorization: string | undefined, url: string): boolean =>
  authorization === `Bearer ${identityToken(url)}` ||
  isIdentityFor(authorization, url.replace(/^http:/, "https:"))

const text = z.string().min(1)
const count = z.number().int().min(0)
const strings = z.record(z.string(), z.string())
const label = z.string().regex(/^[a-z0-9_-]{0,63}$/)

const probe = z.strictObject({
  initialDelaySeconds: count.optional(),
  timeoutSeconds: count.optional(),
  periodSeconds: count.optional(),
  failureThreshold: count.optional(),
  httpGet: z.strictObject({ path: text.optional(), port: count.optional() }).optional(),
  tcpSocket: z.strictObject({ port: count.optional() }).optional(),
})

/** `GoogleCloudRunV2Container`. */
const containerSchema = z.strictObject({
  name: text.optional(),
  image: text,
  command: z.array(z.string()).optional(),
  args: z.array(z.string()).optional(),
  env: z
    .array(
      z.strictObject({ name: z.string().regex(/^(?!PORT$|K_)[A-Za-z_]\w*$/), value: z.string().max(32_768) }),
    )
    .max(1000)
    .optional(),
  ports: z
    .array(z.strictObject({ name: z.enum(["http1", "h2c"]).optional(), containerPort: count }))
    .max(1)
    .optional(),
  resources: z
    .strictObject({
      limits: strings.optional(),
      cpuIdle: z.boolean().optional(),
      startupCpuBoost: z.boolean().optional(),
    })
    .optional(),
  startupProbe: probe.optional(),
  livenessProbe: probe.optional(),
  workingDir: text.optional(),
})

/** `GoogleCloudRunV2Service`: what is not output only. */
const serviceSchema = z.strictObject({
  description: z.string().max(512).optional(),
  labels: z.record(label, label).optional(),
  annotations: strings.optional(),
  ingress: z
    .enum(["INGRESS_TRAFFIC_ALL", "INGRESS_TRAFFIC_INTERNAL_ONLY", "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER"])
    .optional(),
  launchStage: text.optional(),
  template: z.strictObject({
    labels: z.record(label, label).optional(),
    annotations: strings.optional(),
    scaling: z
      .strictObject({ minInstanceCount: count.optional(), maxInstanceCount: count.optional() })
      .optional(),
    timeout: z
      .string()
      .regex(/^\d+(\.\d+)?s$/)
      .optional(),
    serviceAccount: text.optional(),
    containers: z.array(containerSchema).min(1),
    executionEnvironment: z.enum(["EXECUTION_ENVIRONMENT_GEN1", "EXECUTION_ENVIRONMENT_GEN2"]).optional(),
    maxInstanceRequestConcurrency: count.max(1000).optional(),
    sessionAffinity: z.boolean().optional(),
  }),
})

export async function startCloudRun({
  maxInstances = 4,
  tls,
}: {
  readonly maxInstances?: number
  readonly tls?: StrictOptions["tls"]
} = {}): Promise<CloudRunServer> {
  const conditions = new Conditions(maxInstances)
  const services = new Map<string, StoredService>()
  const parent = "/v2/projects/{project}/locations/{location}/services"
  let url = ""

  const routes: Route[] = [
    {
      method: "GET",
      path: parent,
      query: ["pageSize", "pageToken", "showDeleted"],
      handle({ query, params }) {
        const all = [...services.keys()]
        const from = Number(query.get("pageToken") ?? 0)
        // Two to a page, so that more than one page there is.
        const shownNow = all.slice(from, from + 2).map((name) => shown(name, params))
        const next = from + 2 < all.length ? { nextPageToken: String(from + 2) } : {}
        return { status: 200, body: { services: shownNow, ...next } }
      },
    },
    {
      method: "POST",
      path: parent,
      query: ["serviceId", "validateOnly"],
      body: serviceSchema,
      handle: ({ query, body, params }) =>
        make(query.get("serviceId") ?? "", body as StoredService["spec"], params),
    },
    {
      method: "GET",
      path: `${parent}/{service}`,
      handle: ({ params }) =>
        services.has(params.service ?? "")
          ? { status: 200, body: shown(params.service ?? "", params) }
          : missing(params.service),
    },
    {
      method: "DELETE",
      path: `${parent}/{service}`,
      query: ["etag", "validateOnly"],
      async handle({ params }) {
        const service = services.get(params.service ?? "")
        if (service === undefined) return missing(params.service)
        services.delete(params.service ?? "")
        await service.revision.stop()
        return { status: 200, body: operation(params) }
      },
    },
  ]

  const server = await startStrictServer({
    ...{ routes, tls },
    authorize({ headers }) {
      if (headers.authorization === `Bearer ${accessToken}`) return undefined
      return error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
    },
    refuse: (status, message) => error(status, "INVALID_ARGUMENT", message),
    elsewhere(request, response) {
      const [, name] = /^\/run\/([^/]+)$/.exec(request.url ?? "") ?? []
      if (name === undefined) return false
      const service = services.get(name)
      if (service === undefined) response.writeHead(404).end()
      else if (!isIdentity(request.headers.authorization, `${url}/run/${name}`))
        response
          .writeHead(403, { "content-type": "text/html" })
          .end(
            "<html><head><title>403 Forbidden</title></head><body><h1>Your client does not have permission to get URL from this server.</h1></body></html>",
          )
      else {
        request.url = "/"
        // It is Cloud Run's own, and no matter of the container's.
        delete request.headers.authorization
        void service.revision.handle(request, response)
      }
      return true
    },
    async stop() {
      await Promise.all([...services.values()].map(({ revision }) => revision.stop()))
    },
  })
  url = server.url
  return { ...server, conditions, services }

  function make(name: string, spec: StoredService["spec"], params: Params): Reply {
    if (!/^[a-z]([-a-z0-9]{0,47}[a-z0-9])?$/.test(name))
      return error(400, "INVALID_ARGUMENT", `Violation in CreateServiceRequest.service_id: ${name}`)
    if (services.has(name)) return error(409, "ALREADY_EXISTS", `Resource '${name}' already exists.`)
    if (Number.parseInt(spec.template.timeout ?? "300", 10) > 3600)
      return error(400, "INVALID_ARGUMENT", "template.timeout: must be between 0s and 3600s")
    const service: StoredService = {
      ...{ spec, revision: revisionOf(spec), updateTime: new Date().toISOString() },
      ...{ state: "CONDITION_RECONCILING", message: "" },
    }
    services.set(name, service)
    void bringUp(service)
    return { status: 200, body: operation(params) }
  }

  async function bringUp(service: StoredService): Promise<void> {
    const [container] = service.spec.template.containers
    const isKnown = /(^|\/)node:\d/.test(container?.image ?? "")
    const failure = isKnown ? await service.revision.warm() : `Image '${container?.image}' not found.`
    service.state = failure === undefined ? "CONDITION_SUCCEEDED" : "CONDITION_FAILED"
    service.message = failure ?? ""
  }

  function revisionOf({ template }: StoredService["spec"]): Revision {
    const [container] = template.containers as [z.output<typeof containerSchema>]
    const said = (status: number, words: string): Reply => ({ status, body: { error: words } })
    return new Revision({
      command: container.command ?? [],
      args: container.args ?? [],
      env: Object.fromEntries((container.env ?? []).map((one) => [one.name, one.value])),
      memoryMiB: Number.parseInt(container.resources?.limits?.memory ?? "512", 10),
      concurrency: template.maxInstanceRequestConcurrency ?? 80,
      maxInstances: template.scaling?.maxInstanceCount || 100,
      timeoutMs: 1000 * Number.parseInt(template.timeout ?? "300", 10),
      healthPath: container.startupProbe?.httpGet?.path ?? "/",
      conditions,
      words: {
        full: said(429, "Rate exceeded."),
        timeout: said(504, "upstream request timeout"),
        startFailed: said(503, "The request failed because the instance failed to start."),
        died: said(
          503,
          "The request failed because either the HTTP response was malformed or connection to the instance had an error.",
        ),
        tooLarge: said(413, "Request Entity Too Large"),
      },
    })
  }

  function shown(name: string, params: Params): object {
    const { spec, state, message, updateTime } = services.get(name) as StoredService
    return {
      ...spec,
      ...{ name: `${nameOf(params)}/services/${name}`, uri: `${url}/run/${name}`, updateTime },
      ...{
        reconciling: state === "CONDITION_RECONCILING",
        terminalCondition: { type: "Ready", state, message },
      },
    }
  }
}

type Params = Readonly<Record<string, string>>

function nameOf({ project, location }: Params): string {
  return `projects/${project}/locations/${location}`
}

function operation(params: Params): object {
  return { name: `${nameOf(params)}/operations/1`, done: false }
}

function missing(name = ""): Reply {
  return error(404, "NOT_FOUND", `Resource '${name}' of kind 'SERVICE' does not exist.`)
}

function error(code: number, status: string, message: string): Reply {
  return { status: code, body: { error: { code, message, status } } }
}
