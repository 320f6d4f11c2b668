import { execFile } from "node:child_process"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from "node:http"
import { createServer as createTlsServer, Server as TlsServer } from "node:https"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import * as z from "zod"
import { root } from "../repository.ts"
import { Conditions } from "./conditions.ts"
import { accessToken, isIdentityFor } from "./google-metadata.ts"
import { Revision } from "./revision.ts"
import type { Server } from "./server-process.ts"
import { bytesOf } from "./strict-server.ts"

/**
 * Google Cloud Functions before drongo, which keeps what is made and runs nothing: this takes sources, checks requests as Google
 * does, has Google's own functions framework run the functions as processes, and has operations take a while.
 */
export interface FunctionsServer extends Server {
  readonly conditions: Conditions
  /** What of requests Google would not have taken. */
  readonly violations: string[]
  /** An answer in place of the next one to a request whose method and path match. */
  readonly planned: { match: RegExp; status: number; body: unknown }[]
  /** Sources that came. */
  readonly uploads: Buffer[]
  readonly runs: Map<string, Running>
  /** What the next builds fail with. */
  buildErrors: string[]
  stop(): Promise<void>
}

interface Running {
  readonly revision: Revision
  readonly folder: string
}

interface Operation {
  left: number
  readonly target: string
  readonly error?: { readonly code: number; readonly message: string }
}

const typed = (type: string) => ({ "@type": `type.googleapis.com/google.cloud.functions.v2.${type}` })

export const identityToken = (url: string) => `an identity token for ${url}`

/** The stand-in, or one that Google's own library got: those are for addresses with TLS. */
const isIdentity = (authorization: string | undefined, url: string): boolean =>
  authorization === `Bearer ${identityToken(url)}` ||
  isIdentityFor(authorization, url.replace(/^http:/, "https:"))

const label = z.record(z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/), z.string().regex(/^[a-z0-9_-]{0,63}$/))

/** An enum's value: by its name, or its number. */
const oneOf = <const Name extends string>(names: Readonly<Record<Name, number>>) =>
  z.union([z.enum(Object.keys(names) as Name[]), z.literal(Object.values<number>(names))])

const states: Readonly<Record<string, number>> = {
  ACTIVE: 1,
  FAILED: 2,
  DEPLOYING: 3,
  DELETING: 4,
  UNKNOWN: 5,
}

/** `Function` of Google's discovery document, as far as anybody may write it. */
const functionSchema = z.strictObject({
  description: z.string().optional(),
  environment: oneOf({ GEN_2: 2 }),
  labels: label.optional(),
  buildConfig: z.strictObject({
    runtime: z.enum(["nodejs20", "nodejs22", "nodejs24"]),
    entryPoint: z.string().min(1),
    environmentVariables: z.record(z.string(), z.string()).optional(),
    source: z.strictObject({
      storageSource: z.strictObject({
        bucket: z.string(),
        object: z.string(),
        generation: z.string().optional(),
        sourceUploadUrl: z.string().optional(),
      }),
    }),
  }),
  serviceConfig: z.strictObject({
    availableMemory: z.string().regex(/^\d+(Mi|Gi|M|G)$/),
    availableCpu: z
      .string()
      .regex(/^[\d.]+$/)
      .optional(),
    timeoutSeconds: z.number().int().min(1).max(3600),
    maxInstanceCount: z.number().int().min(1).optional(),
    maxInstanceRequestConcurrency: z.number().int().min(1).max(1000).optional(),
    ingressSettings: oneOf({ ALLOW_ALL: 1, ALLOW_INTERNAL_ONLY: 2, ALLOW_INTERNAL_AND_GCLB: 3 }).optional(),
    serviceAccountEmail: z.string().optional(),
    environmentVariables: z.record(z.string().regex(/^[A-Za-z_]\w*$/), z.string()).optional(),
  }),
})

const functionPath =
  /^\/v2\/projects\/[^/]+\/locations\/[a-z]+-[a-z]+\d\/functions(?:\/([a-z][a-z0-9-]{0,62}))?$/

export async function startFunctions(
  management: Server,
  options: ShimOptions = {},
): Promise<FunctionsServer> {
  const shim = new Shim(management, options)
  await shim.listen()
  return shim
}

interface ShimOptions {
  readonly maxInstances?: number
  /** Default: without. */
  readonly tls?: { readonly key: string; readonly cert: string }
}

class Shim implements FunctionsServer {
  url = ""
  readonly conditions: Conditions
  readonly violations: string[] = []
  readonly planned: FunctionsServer["planned"] = []
  readonly uploads: Buffer[] = []
  readonly runs = new Map<string, Running>()
  buildErrors: string[] = []
  readonly #management: Server
  readonly #server: HttpServer
  /** What operations end with, and how often they are looked at before. */
  readonly #operations = new Map<string, Operation>()

  constructor(management: Server, { maxInstances = 20, tls }: ShimOptions) {
    this.#management = management
    this.conditions = new Conditions(maxInstances)
    const handle = (request: IncomingMessage, response: ServerResponse) =>
      void this.#handle(request, response)
    this.#server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle)
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve))
    const scheme = this.#server instanceof TlsServer ? "https" : "http"
    this.url = `${scheme}://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
    for (const name of [...this.runs.keys()]) await this.#end(name)
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "" } = request
    const at = this.planned.findIndex(({ match }) => match.test(`${method} ${url}`))
    const [plan] = at < 0 ? [] : this.planned.splice(at, 1)
    if (plan !== undefined) return send(response, plan.status, plan.body)
    const [, name = "", rest] = /^\/run\/([^/?]+)(.*)$/.exec(url) ?? []
    if (rest !== undefined) return this.#call(name, rest, request, response)
    const body = await bytesOf(request)
    if (url.startsWith("/upload/")) return this.#upload(request, body, response)
    if (request.headers.authorization !== `Bearer ${accessToken}`)
      return send(
        response,
        401,
        googles(401, "UNAUTHENTICATED", "Request had invalid authentication credentials."),
      )
    await this.#manage(method, url, body, response)
  }

  async #manage(method: string, url: string, body: Buffer, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(url, this.url)
    if (pathname.endsWith(":generateUploadUrl")) {
      const { value } = await this.#ask(method, url, body)
      return send(response, 200, { ...value, uploadUrl: `${this.url}/upload/${this.uploads.length}` })
    }
    if (pathname.includes("/operations/")) return this.#look(pathname, response)
    const name = functionPath.exec(pathname)?.[1]
    if (name === undefined && !functionPath.test(pathname)) this.violations.push(`${method} ${url}`)
    if (method === "POST") return this.#create(searchParams.get("functionId") ?? "", url, body, response)
    if (method === "DELETE" && name !== undefined) await this.#end(name)
    const { status, value } = await this.#ask(method, url, body)
    const known = method === "GET" && name !== undefined && status === 200
    const inNumbers = searchParams.get("$alt") === "json;enum-encoding=int"
    const told = known ? this.#withUri(name, value) : value
    send(response, status, inNumbers ? inNumbersOf(told) : told)
  }

  async #create(name: string, url: string, body: Buffer, response: ServerResponse): Promise<void> {
    const parsed = functionSchema.safeParse(JSON.parse(body.toString()))
    if (!/^[a-z][a-z0-9-]{0,61}[a-z0-9]$/.test(name)) this.violations.push(`function id ${name}`)
    if (!parsed.success) {
      this.violations.push(parsed.error.message)
      return send(response, 400, googles(400, "INVALID_ARGUMENT", parsed.error.message))
    }
    const { status, value } = await this.#ask("POST", url, body)
    if (status !== 200) return send(response, status, value)
    const problem = this.buildErrors.shift() ?? (await this.#run(name, parsed.data))
    this.#operations.set(String(value.name), {
      left: 1,
      target: `${parentOf(url)}/functions/${name}`,
      ...(problem !== undefined && { error: { code: 3, message: problem } }),
    })
    send(response, 200, { name: value.name, done: false })
  }

  #look(pathname: string, response: ServerResponse): void {
    const name = pathname.replace(/^\/v2\//, "")
    const found = this.#operations.get(name)
    if (found === undefined) {
      send(response, 404, googles(404, "NOT_FOUND", `${name} not found`))
      return
    }
    const { target, error } = found
    const done = found.left-- <= 0
    const state = done ? "COMPLETE" : "IN_PROGRESS"
    const metadata = {
      ...{ ...typed("OperationMetadata"), createTime: new Date().toISOString(), target, verb: "create" },
      ...{ apiVersion: "v2", operationType: "CREATE_FUNCTION", buildName: "projects/1/locations/x/builds/2" },
      requestResource: { ...typed("Function"), name: target, environment: "GEN_2" },
      stages: [{ name: "BUILD", message: "Build in progress", state, resourceUri: "https://console.test/" }],
    }
    const result = error === undefined ? { response: { ...typed("Function"), name: target } } : { error }
    send(response, 200, { name, metadata, done, ...(done && result) })
  }

  #upload(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    if (request.headers["content-type"] !== "application/zip") this.violations.push("upload without its type")
    if (request.headers.authorization !== undefined) this.violations.push("upload with a token")
    this.uploads.push(body)
    send(response, 200, {})
  }

  /** Undefined where it comes up; else what went wrong. */
  async #run(
    name: string,
    { buildConfig, serviceConfig }: z.output<typeof functionSchema>,
  ): Promise<string | undefined> {
    const folder = await mkdtemp(join(tmpdir(), "cellfan-gcp-functions-"))
    await writeFile(join(folder, "source.zip"), this.uploads.at(-1) ?? "")
    const source = join(folder, "source")
    await mkdir(source)
    await promisify(execFile)("python3", ["-m", "zipfile", "-e", join(folder, "source.zip"), source])
    const manifest = JSON.parse(await readFile(join(source, "package.json"), "utf8"))
    const own = JSON.parse(await readFile(join(root, "package.json"), "utf8"))
    const wanted = manifest.dependencies["@google-cloud/functions-framework"]
    if (wanted !== own.devDependencies["@google-cloud/functions-framework"])
      this.violations.push(`a framework ${wanted} that these tests have not`)
    const framework = join(root, "node_modules/@google-cloud/functions-framework/build/src/main.js")
    const memoryMiB = Number.parseInt(serviceConfig.availableMemory, 10)
    const revision = new Revision({
      command: ["node"],
      args: [framework, `--target=${buildConfig.entryPoint}`, `--source=${source}`, "--signature-type=http"],
      env: serviceConfig.environmentVariables ?? {},
      // The framework needs some beside the worker, which a container of Google's has too.
      memoryMiB,
      concurrency: serviceConfig.maxInstanceRequestConcurrency ?? 1,
      maxInstances: serviceConfig.maxInstanceCount ?? 100,
      conditions: this.conditions,
      timeoutMs: serviceConfig.timeoutSeconds * 1000,
      healthPath: "/health",
      words: {
        full: {
          status: 429,
          body: { message: "The request was aborted because there was no available instance." },
        },
        timeout: { status: 504, body: { message: "upstream request timeout" } },
        startFailed: { status: 503, body: { message: "Service Unavailable" } },
        died: {
          status: 503,
          body: {
            message:
              "The request failed because either the HTTP response was malformed or connection to the instance had an error.",
          },
        },
        tooLarge: {
          status: 413,
          body: { message: "<html><title>413</title><p>Request Entity Too Large</p></html>" },
        },
      },
    })
    this.runs.set(name, { revision, folder })
    return revision.warm()
  }

  #withUri(name: string, value: Record<string, unknown>): Record<string, unknown> {
    const { serviceConfig } = value as { serviceConfig?: object }
    return { ...value, serviceConfig: { ...serviceConfig, uri: `${this.url}/run/${name}` } }
  }

  async #call(name: string, rest: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const found = this.runs.get(name)
    if (found === undefined)
      return send(response, 404, "<html><title>404</title>The requested URL was not found</html>")
    if (!isIdentity(request.headers.authorization, `${this.url}/run/${name}`))
      return send(
        response,
        403,
        "<html><title>403</title>Your client does not have permission to get URL</html>",
      )
    request.url = rest === "" ? "/" : rest
    await found.revision.handle(request, response)
  }

  async #end(name: string): Promise<void> {
    const found = this.runs.get(name)
    this.runs.delete(name)
    await found?.revision.stop()
    if (found !== undefined) await rm(found.folder, { recursive: true, force: true, maxRetries: 3 })
  }

  async #ask(
    method: string,
    url: string,
    body: Buffer,
  ): Promise<{ status: number; value: Record<string, unknown> }> {
    const answer = await fetch(this.#management.url + url, {
      method,
      headers: { "content-type": "application/json" },
      ...(body.length > 0 && { body }),
    })
    return { status: answer.status, value: (await answer.json()) as Record<string, unknown> }
  }
}

function parentOf(url: string): string {
  return /projects\/[^/]+\/locations\/[^/]+/.exec(url)?.[0] ?? ""
}

/** Enums of functions, as Google's client asks for them. */
function inNumbersOf(value: Record<string, unknown>): Record<string, unknown> {
  const { functions, state } = value as { functions?: Record<string, unknown>[]; state?: string }
  return {
    ...value,
    ...(functions !== undefined && { functions: functions.map(inNumbersOf) }),
    ...(state !== undefined && { state: states[state] ?? state }),
  }
}

export function googles(code: number, status: string, message: string, details: object[] = []): object {
  return { error: { code, status, message, details } }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const isText = typeof body === "string"
  response
    .writeHead(status, { "content-type": isText ? "text/html" : "application/json" })
    .end(isText ? body : JSON.stringify(body))
}
