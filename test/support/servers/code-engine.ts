import { randomUUID } from "node:crypto"
import * as z from "zod"
import { FunctionRuns } from "./code-engine-function.ts"
import { Conditions } from "./conditions.ts"
import { installOpenWhiskRuntime } from "./openwhisk-container.ts"
import { Revision } from "./revision.ts"
import { type Reply, type Route, type StrictServer, startStrictServer } from "./strict-server.ts"

/**
 * Code Engine's REST interface, version 2, IBM's IAM, and the apps and functions, which run as processes. Paths and fields are those of IBM's
 * published description, as its SDK has them.
 *
 * @see https://cloud.ibm.com/apidocs/codeengine/v2
 */
export interface CodeEngineServer extends StrictServer {
  readonly conditions: Conditions
  readonly projects: Map<string, { readonly id: string; readonly name: string; status: string }>
  readonly apps: Map<string, StoredApp>
  readonly functions: Map<string, StoredFunction>
  readonly secrets: Map<string, z.output<typeof secretSchema>>
}

interface StoredFunction {
  readonly spec: z.output<typeof functionSchema>
  readonly runs: FunctionRuns
  readonly createdAt: string
}

interface StoredApp {
  readonly spec: z.output<typeof appSchema>
  readonly revision: Revision
  readonly createdAt: string
  status: "deploying" | "ready" | "failed"
  reason: string
}

export const testApiKey = "an API key of the test"
const token = "a token of IAM"
const text = z.string().min(1)
const count = z.number().int().min(0)
const entityName = z.string().regex(/^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/)

const probe = z.strictObject({
  failure_threshold: count.optional(),
  initial_delay: count.optional(),
  interval: count.optional(),
  path: text.optional(),
  port: count.optional(),
  timeout: count.optional(),
  type: z.enum(["tcp", "http"]).optional(),
})

/** `EnvVarPrototype`. */
const variables = z.array(
  z.strictObject({
    type: z
      .enum([
        "literal",
        "config_map_full_reference",
        "secret_full_reference",
        "config_map_key_reference",
        "secret_key_reference",
      ])
      .optional(),
    name: text.optional(),
    value: z.string().optional(),
    key: text.optional(),
    prefix: text.optional(),
    reference: text.optional(),
  }),
)

/** `AppPrototype`. */
const appSchema = z.strictObject({
  name: entityName,
  image_reference: text,
  image_port: count.optional(),
  image_secret: text.optional(),
  managed_domain_mappings: z.enum(["local", "local_private", "local_public"]).optional(),
  probe_liveness: probe.optional(),
  probe_readiness: probe.optional(),
  run_arguments: z.array(z.string()).optional(),
  run_as_user: count.optional(),
  run_commands: z.array(z.string()).optional(),
  run_compute_resource_token_enabled: z.boolean().optional(),
  run_env_variables: variables.optional(),
  run_service_account: z.enum(["default", "manager", "reader", "writer", "none"]).optional(),
  run_volume_mounts: z
    .array(
      z.strictObject({
        mount_path: z.string().startsWith("/"),
        reference: text,
        type: z.enum(["config_map", "secret", "persistent_data_store"]),
        read_only: z.boolean().optional(),
        sub_path: text.optional(),
      }),
    )
    .optional(),
  scale_concurrency: count.max(1000).optional(),
  scale_concurrency_target: count.optional(),
  scale_cpu_limit: z
    .string()
    .regex(/^[\d.]+$/)
    .optional(),
  scale_down_delay: count.optional(),
  scale_ephemeral_storage_limit: z
    .string()
    .regex(/^[\d.]+[MG]$/)
    .optional(),
  scale_initial_instances: count.optional(),
  scale_max_instances: count.optional(),
  scale_memory_limit: z
    .string()
    .regex(/^[\d.]+[MG]$/)
    .optional(),
  scale_min_instances: count.optional(),
  scale_request_timeout: count.max(600).optional(),
})

/** `FunctionPrototype`. */
const functionSchema = z.strictObject({
  name: entityName,
  code_reference: text.max(1_048_576).regex(/^data:([-\w]+\/[-+\w.]+)?(;?\w+=[-\w]+)*;base64,.*/),
  runtime: z.string().regex(/^[a-z]*-[0-9]*(\.[0-9]*)?$/),
  code_binary: z.boolean().optional(),
  code_main: z
    .string()
    .regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/)
    .optional(),
  code_secret: text.optional(),
  managed_domain_mappings: z.enum(["local", "local_private", "local_public"]).optional(),
  run_compute_resource_token_enabled: z.boolean().optional(),
  run_env_variables: variables.max(100).optional(),
  scale_concurrency: count.min(1).max(100).optional(),
  scale_cpu_limit: z
    .string()
    .regex(/^[\d.]+$/)
    .optional(),
  scale_down_delay: count.max(600).optional(),
  scale_max_execution_time: count.min(1).max(120).optional(),
  scale_memory_limit: z
    .string()
    .regex(/^[\d.]+[MG]$/)
    .optional(),
})

const functionCombinations = new Set(["0.25 1G", "0.5 2G", "1 4G"])
const functionRuntimes = new Set(["nodejs-20", "nodejs-22"])

const secretSchema = z.strictObject({
  name: entityName,
  format: z.enum(["generic", "ssh_auth", "basic_auth", "tls", "registry"]),
  data: z.record(z.string(), z.string()).optional(),
})

const projectSchema = z.strictObject({
  name: text,
  resource_group_id: text.optional(),
  tags: z.array(z.string()).optional(),
})

/** Memory that goes with processors. */
const combinations = new Set(
  [
    "0.125 250M",
    "0.125 500M",
    "0.25 500M",
    "0.125 1G",
    "0.25 1G",
    "0.5 1G",
    "0.25 2G",
    "0.5 2G",
    "1 2G",
    "0.5 4G",
    "1 4G",
    "2 4G",
  ].concat(["1 8G", "2 8G", "4 8G", "2 16G", "4 16G", "8 16G"]),
)

export interface CodeEngineServerOptions {
  readonly maxInstances?: number
  /** Apache's Node.js runtime, which functions run on. Default: there are no functions. */
  readonly runtime?: string
}

export async function startCodeEngine({
  maxInstances = 4,
  runtime,
}: CodeEngineServerOptions = {}): Promise<CodeEngineServer> {
  const conditions = new Conditions(maxInstances)
  const runtimeFolder = runtime === undefined ? "" : installOpenWhiskRuntime(runtime)
  const functions: CodeEngineServer["functions"] = new Map()
  const projects: CodeEngineServer["projects"] = new Map()
  const apps = new Map<string, StoredApp>()
  const secrets: CodeEngineServer["secrets"] = new Map()
  const project = "/v2/projects/{project_id}"
  let url = ""

  const routes: Route[] = [
    {
      method: "POST",
      path: "/identity/token",
      contentType: "application/x-www-form-urlencoded",
      body: z.string(),
      handle({ body }) {
        const form = new URLSearchParams(body as string)
        if (
          form.get("grant_type") !== "urn:ibm:params:oauth:grant-type:apikey" ||
          [...form.keys()].length !== 2
        )
          return {
            status: 400,
            body: { errorCode: "BXNIM0109E", errorMessage: "Property missing or empty." },
          }
        if (form.get("apikey") !== testApiKey)
          return {
            status: 400,
            body: { errorCode: "BXNIM0415E", errorMessage: "Provided API key could not be found." },
          }
        return { status: 200, body: { access_token: token, token_type: "Bearer", expires_in: 3600 } }
      },
    },
    {
      method: "GET",
      path: "/v2/projects",
      query: ["limit", "start"],
      handle: ({ query }) => page("projects", [...projects.values()], query),
    },
    {
      method: "POST",
      path: "/v2/projects",
      body: projectSchema,
      handle({ body }) {
        const { name } = body as z.output<typeof projectSchema>
        const made = { id: randomUUID(), name, status: "creating" }
        projects.set(made.id, made)
        setTimeout(() => {
          made.status = "active"
        }, 200)
        return { status: 202, body: made }
      },
    },
    {
      method: "GET",
      path: `${project}/apps`,
      query: ["limit", "start"],
      handle: ({ query }) => page("apps", [...apps.values()].map(shown), query),
    },
    {
      method: "POST",
      path: `${project}/apps`,
      body: appSchema,
      handle: ({ body }) => make(body as StoredApp["spec"]),
    },
    {
      method: "GET",
      path: `${project}/apps/{name}`,
      handle: ({ params }) => {
        const app = apps.get(params.name ?? "")
        return app === undefined ? missing("app", params.name) : { status: 200, body: shown(app) }
      },
    },
    {
      method: "DELETE",
      path: `${project}/apps/{name}`,
      async handle({ params }) {
        const app = apps.get(params.name ?? "")
        if (app === undefined) return missing("app", params.name)
        apps.delete(params.name ?? "")
        await app.revision.stop()
        return { status: 202 }
      },
    },
    {
      method: "GET",
      path: `${project}/functions`,
      query: ["limit", "start"],
      handle: ({ query }) => page("functions", [...functions.values()].map(shownFunction), query),
    },
    {
      method: "POST",
      path: `${project}/functions`,
      body: functionSchema,
      handle: ({ body }) => makeFunction(body as StoredFunction["spec"]),
    },
    {
      method: "GET",
      path: `${project}/functions/{name}`,
      handle: ({ params }) => {
        const found = functions.get(params.name ?? "")
        return found === undefined
          ? missing("function", params.name)
          : { status: 200, body: shownFunction(found) }
      },
    },
    {
      method: "DELETE",
      path: `${project}/functions/{name}`,
      async handle({ params }) {
        const found = functions.get(params.name ?? "")
        if (found === undefined) return missing("function", params.name)
        functions.delete(params.name ?? "")
        await found.runs.stop()
        return { status: 202 }
      },
    },
    {
      method: "POST",
      path: `${project}/secrets`,
      body: secretSchema,
      handle({ body }) {
        const secret = body as z.output<typeof secretSchema>
        if (secrets.has(secret.name))
          return error(409, "conflict", `The secret '${secret.name}' already exists.`)
        secrets.set(secret.name, secret)
        return { status: 201, body: { ...secret, entity_tag: "1" } }
      },
    },
    {
      method: "GET",
      path: `${project}/secrets/{name}`,
      handle: ({ params }) => {
        const secret = secrets.get(params.name ?? "")
        return secret === undefined ? missing("secret", params.name) : { status: 200, body: secret }
      },
    },
    {
      method: "DELETE",
      path: `${project}/secrets/{name}`,
      handle: ({ params }) =>
        secrets.delete(params.name ?? "") ? { status: 202 } : missing("secret", params.name),
    },
  ]

  const server = await startStrictServer({
    routes,
    authorize({ headers, url = "" }) {
      if (url.startsWith("/identity/")) return undefined
      return headers.authorization === `Bearer ${token}`
        ? undefined
        : error(401, "unauthorized", "The token is invalid.")
    },
    refuse: (status, message) => error(status, "invalid_request", message),
    elsewhere(request, response) {
      const [, kind, name] = /^\/(apps|functions)\/([^/]+)$/.exec(request.url ?? "") ?? []
      if (name === undefined) return false
      if (kind === "functions") {
        const found = functions.get(name)
        if (found === undefined) response.writeHead(404).end()
        else void found.runs.handle(request, response)
        return true
      }
      request.url = "/"
      const app = apps.get(name)
      if (app === undefined) response.writeHead(404).end()
      else void app.revision.handle(request, response)
      return true
    },
    async stop() {
      await Promise.all([...apps.values()].map(({ revision }) => revision.stop()))
      await Promise.all([...functions.values()].map(({ runs }) => runs.stop()))
    },
  })
  url = server.url
  return { ...server, conditions, projects, apps, functions, secrets }

  function make(spec: StoredApp["spec"]): Reply {
    if (apps.has(spec.name)) return error(409, "conflict", `The app '${spec.name}' already exists.`)
    const size = `${spec.scale_cpu_limit} ${spec.scale_memory_limit}`
    if (!combinations.has(size))
      return error(400, "invalid_scale", `The combination of CPU and memory '${size}' is not supported.`)
    const app: StoredApp = {
      ...{ spec, revision: revisionOf(spec), createdAt: new Date().toISOString() },
      ...{ status: "deploying", reason: "deploying" },
    }
    apps.set(spec.name, app)
    void bringUp(app)
    return { status: 201, body: shown(app) }
  }

  function makeFunction(spec: StoredFunction["spec"]): Reply {
    if (functions.has(spec.name)) return error(409, "conflict", `The function '${spec.name}' already exists.`)
    const size = `${spec.scale_cpu_limit} ${spec.scale_memory_limit}`
    if (!functionCombinations.has(size))
      return error(400, "invalid_scale", `The combination of CPU and memory '${size}' is not supported.`)
    if (!functionRuntimes.has(spec.runtime))
      return error(400, "invalid_runtime", `The runtime '${spec.runtime}' is not supported.`)
    const env = (spec.run_env_variables ?? []).map(
      ({ type, name = "", value = "", reference = "", key = "" }) => [
        name,
        type === "secret_key_reference" ? (secrets.get(reference)?.data?.[key] ?? "") : value,
      ],
    )
    const runs = new FunctionRuns({
      ...{ folder: runtimeFolder, conditions, env: Object.fromEntries(env) },
      code: spec.code_reference.replace(/^.*;base64,/, ""),
      main: spec.code_main ?? "main",
      memoryMiB: (Number.parseFloat(spec.scale_memory_limit ?? "4G") * 1e9) / 2 ** 20,
      timeoutMs: 1000 * (spec.scale_max_execution_time ?? 60),
    })
    const made = { spec, runs, createdAt: new Date().toISOString() }
    functions.set(spec.name, made)
    return { status: 201, body: shownFunction(made) }
  }

  function shownFunction({ spec, createdAt }: StoredFunction): object {
    return {
      ...{ ...spec, status: "ready", status_details: { reason: "ready" }, created_at: createdAt },
      ...{ endpoint: `${url}/functions/${spec.name}`, entity_tag: "1", resource_type: "function_v2" },
    }
  }

  async function bringUp(app: StoredApp): Promise<void> {
    const hasImage = /(^|\/)node:\d/.test(app.spec.image_reference)
    const failure = hasImage ? await app.revision.warm() : "none"
    app.status = failure === undefined ? "ready" : "failed"
    app.reason = hasImage
      ? failure === undefined
        ? "ready"
        : "no_revision_ready"
      : "fetch_image_failed_unknown_repository"
  }

  function revisionOf(spec: StoredApp["spec"]): Revision {
    const files: Record<string, string> = {}
    for (const { mount_path, reference } of spec.run_volume_mounts ?? [])
      for (const [file, value] of Object.entries(secrets.get(reference)?.data ?? {}))
        files[`${mount_path}/${file}`] = value
    const [, number = "4", unit] = /^([\d.]+)([GM])/.exec(spec.scale_memory_limit ?? "4G") ?? []
    const said = (status: number, words: string): Reply => ({ status, body: { error: words } })
    return new Revision({
      command: spec.run_commands ?? [],
      args: spec.run_arguments ?? [],
      env: Object.fromEntries((spec.run_env_variables ?? []).map((one) => [one.name ?? "", one.value ?? ""])),
      files,
      memoryMiB: (Number(number) * (unit === "G" ? 1e9 : 1e6)) / 2 ** 20,
      concurrency: spec.scale_concurrency ?? 100,
      maxInstances: spec.scale_max_instances || 10,
      conditions,
      timeoutMs: 1000 * (spec.scale_request_timeout ?? 300),
      healthPath: spec.probe_readiness?.path ?? "/",
      words: {
        full: said(503, "pending request queue full"),
        timeout: said(504, "activator request timeout"),
        startFailed: said(503, "no healthy upstream"),
        died: said(502, "upstream connect error"),
        tooLarge: said(413, "Payload Too Large"),
      },
    })
  }

  function shown({ spec, status, reason, createdAt }: StoredApp): object {
    return {
      ...{ scale_request_timeout: 300, scale_memory_limit: "4G", ...spec, status, created_at: createdAt },
      ...{ endpoint: `${url}/apps/${spec.name}`, status_details: { reason }, entity_tag: "1" },
    }
  }
}

/** Two to a page, so that more than one page there is. */
function page(key: string, all: readonly object[], query: URLSearchParams): Reply {
  const from = Number(query.get("start") ?? 0)
  const next = from + 2 < all.length ? { next: { start: String(from + 2) } } : {}
  return { status: 200, body: { [key]: all.slice(from, from + 2), limit: 2, ...next } }
}

function missing(what: string, name = ""): Reply {
  return error(404, `${what}_not_found`, `The ${what} '${name}' was not found.`)
}

function error(status: number, code: string, message: string): Reply {
  return { status, body: { errors: [{ code, message }], status_code: status, trace: "codeengine-api-1" } }
}
