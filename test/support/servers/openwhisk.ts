import { randomUUID } from "node:crypto"
import * as z from "zod"
import { Conditions } from "./conditions.ts"
import { brokenCode, installOpenWhiskRuntime, OpenWhiskContainer } from "./openwhisk-container.ts"
import {
  type Reply,
  type Route,
  type RoutedRequest,
  type StrictServer,
  startStrictServer,
} from "./strict-server.ts"

/**
 * A small controller of OpenWhisk: actions, and activations in containers of Apache's own runtime, with the limits that OpenWhisk is
 * delivered with. Paths, parameters and fields are those of its published description; words of errors are its own.
 *
 * @see https://github.com/apache/openwhisk/blob/master/core/controller/src/main/resources/apiv1swagger.json
 */
export interface OpenWhiskServerOptions {
  /** Apache's runtime, as `openWhiskRuntime.find()` found it. */
  readonly runtime: string
  readonly concurrentInvocations?: number
  readonly invocationsPerMinute?: number
  /** How long a blocking call waits for its result. */
  readonly blockingMs?: number
  readonly tls?: { readonly key: string; readonly cert: string }
}

export interface OpenWhiskServer extends StrictServer {
  readonly conditions: Conditions
  readonly actions: Map<string, Action>
  readonly activations: Map<string, Activation>
  /** Containers that were started, and those that run. */
  readonly containers: { started: number; running: number }
  throttles: number
}

export const testKey =
  "23bc46b1-71f6-4ed5-8c54-816aa4f8c502:123zO3xZCLrMN6v2BKK1dXYFpXlPkccOFqm12CdAsMgRU4VrNZ9lyGVCGuMDGIwP"

const maxBytes = 1024 * 1024
const kinds = ["nodejs:18", "nodejs:20", "nodejs:default"]
const keyValue = z.strictObject({ key: z.string(), value: z.unknown(), init: z.boolean().optional() })

/** `ActionPut`; `init` of a parameter is as the command line sends it. */
const actionPut = z.strictObject({
  namespace: z.string().min(1).optional(),
  name: z.string().min(1).optional(),
  version: z.string().min(1).optional(),
  publish: z.boolean().optional(),
  exec: z.strictObject({
    kind: z.string(),
    code: z.string(),
    main: z.string().optional(),
    binary: z.boolean().optional(),
  }),
  annotations: z.array(keyValue).optional(),
  delAnnotations: z.array(z.string()).optional(),
  parameters: z.array(keyValue).optional(),
  limits: z
    .strictObject({
      timeout: z.number().int().optional(),
      memory: z.number().int().optional(),
      logs: z.number().int().optional(),
      concurrency: z.number().int().optional(),
      instances: z.number().int().optional(),
    })
    .optional(),
})

type Action = z.output<typeof actionPut> & { readonly name: string; readonly updated: number }

interface Activation {
  readonly activationId: string
  readonly name: string
  readonly duration: number
  readonly response: { readonly status: string; readonly success: boolean; readonly result: unknown }
  readonly logs: readonly string[]
}

const statuses = ["success", "application error", "action developer error", "whisk internal error"]

export async function startOpenWhisk({
  runtime,
  concurrentInvocations = 30,
  invocationsPerMinute = 100_000,
  blockingMs = 60_000,
  tls,
}: OpenWhiskServerOptions): Promise<OpenWhiskServer> {
  const folder = installOpenWhiskRuntime(runtime)
  const actions = new Map<string, Action>()
  const activations = new Map<string, Activation>()
  const idle = new Map<string, OpenWhiskContainer[]>()
  const all = new Set<OpenWhiskContainer>()
  const containers = { started: 0, running: 0 }
  const startsMs: number[] = []
  const conditions = new Conditions(concurrentInvocations)
  conditions.runs.add({
    async stop() {
      idle.clear()
      await Promise.all([...all].map((container) => end(container)))
    },
  })
  let inFlight = 0
  const ns = "/api/v1/namespaces/{namespace}"

  const routes: Route[] = [
    {
      method: "GET",
      path: `${ns}/actions`,
      query: ["limit", "skip"],
      handle({ query }) {
        const [limit, skip] = [Number(query.get("limit") ?? 30), Number(query.get("skip") ?? 0)]
        if (limit > 200)
          return refuse(400, `The value '${limit}' is not in the range of 0 to 200 for actions.`)
        return { status: 200, body: [...actions.values()].slice(skip, skip + limit).map(summary) }
      },
    },
    {
      method: "GET",
      path: `${ns}/actions/{name}`,
      query: ["code"],
      handle: ({ params }) => get(params.name),
    },
    {
      method: "PUT",
      path: `${ns}/actions/{name}`,
      query: ["overwrite"],
      body: actionPut,
      handle: (request) => put(request),
    },
    {
      method: "DELETE",
      path: `${ns}/actions/{name}`,
      async handle({ params }) {
        if (!actions.delete(params.name ?? "")) return missing()
        for (const container of idle.get(params.name ?? "") ?? []) await container.stop()
        idle.delete(params.name ?? "")
        return ok({})
      },
    },
    {
      method: "POST",
      path: `${ns}/actions/{name}`,
      query: ["blocking", "result", "timeout"],
      body: z.record(z.string(), z.unknown()),
      handle: (request) => invoke(request),
    },
    {
      method: "GET",
      path: `${ns}/activations/{id}`,
      handle: ({ params }) => {
        const activation = activations.get(params.id ?? "")
        return activation === undefined ? missing() : ok(activation)
      },
    },
  ]
  const server = await startStrictServer({
    ...{ routes, tls },
    authorize({ headers }) {
      const given = Buffer.from(String(headers.authorization).replace(/^Basic /, ""), "base64").toString()
      return given === testKey ? undefined : refuse(401, "The supplied authentication is invalid.")
    },
    refuse,
    async stop() {
      await Promise.all([...all].map((container) => container.stop()))
    },
  })
  const counts = { throttles: 0 }
  return Object.assign(counts, { ...server, conditions, actions, activations, containers })

  function get(name = ""): Reply {
    const action = actions.get(name)
    return action === undefined ? missing() : ok(summary(action))
  }

  function put({ params: { name = "" }, query, body, bytes }: RoutedRequest): Reply {
    const action = body as z.output<typeof actionPut>
    const { exec, limits = {} } = action
    if (actions.has(name) && query.get("overwrite") !== "true") return refuse(409, "resource already exists")
    if (bytes.length > 50 * 2 ** 20) return refuse(413, "Code larger than allowed.")
    if (!kinds.includes(exec.kind))
      return refuse(
        400,
        `The specified runtime '${exec.kind}' is not supported by this platform. Valid values are: ${kinds.map((kind) => `'${kind}'`).join(", ")}.`,
      )
    const { memory = 256, timeout = 60_000 } = limits
    if (memory > 512) return refuse(400, `memory size ${memory} MB exceeds allowed threshold of 512 MB`)
    if (memory < 128) return refuse(400, `memory size ${memory} MB below allowed threshold of 128 MB`)
    if (timeout > 300_000)
      return refuse(400, `timeout ${timeout} milliseconds exceeds allowed threshold of 300000 milliseconds`)
    const stored = { ...action, name, limits: { ...limits, memory, timeout }, updated: Date.now() }
    actions.set(name, stored)
    return ok(summary(stored))
  }

  async function invoke({ params: { name = "" }, query, bytes, body }: RoutedRequest): Promise<Reply> {
    const action = actions.get(name)
    if (action === undefined) return missing()
    const most = Math.min(maxBytes, conditions.maxRequestBytes)
    if (bytes.length > most)
      return refuse(413, `Request larger than allowed: ${bytes.length} > ${most} bytes.`)
    const throttled = throttle()
    if (throttled !== undefined) {
      counts.throttles++
      return refuse(429, throttled)
    }
    const activationId = randomUUID().replaceAll("-", "")
    const headers = { "x-openwhisk-activation-id": activationId }
    inFlight++
    const running = activate(action, activationId, body as object).finally(() => inFlight--)
    if (query.get("blocking") !== "true") return { status: 202, body: { activationId }, headers }
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), blockingMs)
    })
    const activation = await Promise.race([running, late])
    clearTimeout(timer)
    if (activation === undefined) return { status: 202, body: { activationId }, headers }
    const code = statuses.indexOf(activation.response.status)
    return { status: code <= 1 ? 200 : code === 2 ? 502 : 500, body: activation, headers }
  }

  function throttle(): string | undefined {
    const now = Date.now()
    while ((startsMs[0] ?? now) < now - 60_000) startsMs.shift()
    if (startsMs.length >= invocationsPerMinute)
      return `Too many requests in the last minute (count: ${startsMs.length + 1}, allowed: ${invocationsPerMinute}).`
    if (inFlight >= conditions.maxInstances)
      return `Too many concurrent requests in flight (count: ${inFlight + 1}, allowed: ${conditions.maxInstances}).`
    startsMs.push(now)
    return undefined
  }

  async function activate(action: Action, activationId: string, value: object): Promise<Activation> {
    const atMs = Date.now()
    const { code, result, logs } = await runIn(action, activationId, value).catch((error: Error) => ({
      ...{ code: 3, result: { error: error.message }, logs: "" },
    }))
    const activation: Activation = {
      activationId,
      name: action.name,
      duration: Date.now() - atMs,
      response: { status: statuses[code] ?? "", success: code === 0, result },
      logs: logs.split("\n").filter((line) => line !== "" && !line.startsWith("XXX_THE_END")),
    }
    activations.set(activationId, activation)
    return activation
  }

  async function runIn(action: Action, activationId: string, value: object): Promise<Ran> {
    const { name, limits = {}, exec, parameters = [] } = action
    const { timeout = 60_000, memory = 256 } = limits
    let container = idle.get(name)?.pop()
    if (container === undefined) {
      container = await OpenWhiskContainer.start(folder, memory)
      all.add(container)
      containers.started++
      containers.running++
      const env = Object.fromEntries(parameters.filter((one) => one.init).map((one) => [one.key, one.value]))
      const init = await container.init({
        name,
        main: exec.main ?? "main",
        code: conditions.startsFail ? brokenCode : exec.code,
        binary: true,
        env,
      })
      if (init.status !== 200) {
        await end(container)
        const { error = "The action did not initialize and exited unexpectedly." } = jsonOf(init.text)
        return { code: 2, result: { error }, logs: init.logs }
      }
    }
    const late = { isSo: false }
    const timer = setTimeout(() => {
      late.isSo = true
      void end(container as OpenWhiskContainer)
    }, timeout)
    const args = {
      ...Object.fromEntries(parameters.filter((one) => !one.init).map((one) => [one.key, one.value])),
      ...value,
    }
    const deadline = String(Date.now() + timeout)
    const ran = await container.run({ value: args, activation_id: activationId, action_name: name, deadline })
    clearTimeout(timer)
    const isDead = container.isGone || ran.status !== 200
    if (isDead) await end(container)
    else idle.set(name, [...(idle.get(name) ?? []), container])
    return { ...verdict(ran, late.isSo, container.wasKilledForMemory, timeout), logs: ran.logs }
  }

  async function end(container: OpenWhiskContainer): Promise<void> {
    if (!all.delete(container)) return
    containers.running--
    await container.stop()
  }
}

interface Ran {
  readonly code: number
  readonly result: unknown
  readonly logs: string
}

/** What OpenWhisk makes of how a run ended. */
function verdict(
  { status, text }: { status: number | undefined; text: string },
  wasLate: boolean,
  wasOutOfMemory: boolean,
  timeoutMs: number,
): Omit<Ran, "logs"> {
  const developer = (error: string) => ({ code: 2, result: { error } })
  if (wasLate) return developer(`The action exceeded its time limits of ${timeoutMs} milliseconds.`)
  if (wasOutOfMemory) return developer("The action exhausted its memory and was aborted.")
  if (status === undefined)
    return developer("The action did not produce a valid response and exited unexpectedly.")
  const bytes = Buffer.byteLength(text)
  if (bytes > maxBytes) {
    const error = `The action produced a response that exceeded the allowed length: ${bytes} > ${maxBytes} bytes. The truncated response was: ${text.slice(0, 100)}`
    return { code: 1, result: { error } }
  }
  const result = jsonOf(text)
  if (status !== 200) return developer(String(result.error ?? text))
  return { code: "error" in result ? 1 : 0, result }
}

function summary({ exec: { kind }, ...action }: Action): object {
  const annotations = [...(action.annotations ?? []), { key: "exec", value: kind }]
  return {
    ...action,
    namespace: "guest",
    version: "0.0.1",
    publish: false,
    exec: { binary: true },
    annotations,
  }
}

function jsonOf(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text)
  } catch {
    return { error: text }
  }
}

function ok(body: object): Reply {
  return { status: 200, body }
}

function missing(): Reply {
  return refuse(404, "The requested resource does not exist.")
}

function refuse(status: number, error: string): Reply {
  return { status, body: { error, code: randomUUID().replaceAll("-", "") } }
}
