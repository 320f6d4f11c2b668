import { createServer, type IncomingMessage, type ServerResponse, request as sendRequest } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { userPolicy } from "../../../kernel-ext/backends/standalone/ec2/policy.ts"
import type { Server } from "../servers/server-process.ts"

/**
 * What EC2 holds and moto does not, as a proxy before it: client tokens, so many instances and no more, quotas, 16 kB of user data, images and types that
 * do not exist, and the rights that `cellfan ec2 policy` prints. It gives any error that a test asks for, and loses
 * answers. All but EC2 and Systems Manager (S3) passes through.
 *
 * @see https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
 */
export interface Ec2Shim extends Server {
  /** Instances to be had yet, by market. */
  readonly capacity: { spot: number; "on-demand": number }
  /** Instances that the account may run at once. */
  quota: number
  /** Errors in place of answers, each once, to the next call of its action. */
  readonly failures: ShimFailure[]
  /** Actions that are carried out, and whose answer is lost; each once. */
  readonly lost: string[]
  /** Actions of all calls: "RunInstances". */
  readonly calls: string[]
  /** What RunInstances was called with. */
  readonly launches: URLSearchParams[]
  /** When it was called last. */
  launchedAtMs: number
  /** Why instances ended, where that is not a call of TerminateInstances. */
  readonly reasons: Map<string, { readonly code: string; readonly message: string }>
  /** What stands on an instance's console. */
  consoleOf: (id: string) => string
  /** Called after each call that may have changed what there is. */
  changed: () => void
  /** Answers Systems Manager's calls about commands, which moto does not run. */
  command: (target: string, body: Record<string, unknown>) => Promise<object | undefined>
}

export interface ShimFailure {
  readonly action: string
  readonly code: string
  readonly message: string
  readonly status?: number
}

const maxUserDataBytes = 16_384

/** @param address Where it listens: of a bridge, for instances that boot. */
export async function startEc2Shim(upstream: string, address = "127.0.0.1"): Promise<Ec2Shim> {
  const allowed = allowedActions()
  const running = new Set<string>()
  const tokens = new Map<string, { readonly call: string; readonly answer: Answer }>()
  const state = {
    capacity: { spot: Number.POSITIVE_INFINITY, "on-demand": Number.POSITIVE_INFINITY },
    quota: Number.POSITIVE_INFINITY,
    failures: [] as ShimFailure[],
    lost: [] as string[],
    calls: [] as string[],
    launches: [] as URLSearchParams[],
    launchedAtMs: 0,
    reasons: new Map<string, { code: string; message: string }>(),
    consoleOf: (_: string) => "",
    changed: () => {},
    command: async (_target: string, _body: Record<string, unknown>): Promise<object | undefined> =>
      undefined,
  }
  const server = createServer((request, response) => {
    serve(request, response).catch((error) => response.writeHead(502).end(String(error)))
  })
  const sockets = new Set<Socket>()
  server.on("connection", (socket: Socket) => {
    sockets.add(socket)
    socket.on("close", () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  const shim: Ec2Shim = Object.assign(state, {
    url: `http://${address}:${(server.address() as AddressInfo).port}`,
    async stop() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  })
  return shim

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bytesOf(request)
    const target = String(request.headers["x-amz-target"] ?? "")
    if (target.startsWith("AmazonSSM.")) return systemsManager(request, target.slice(10), body, response)
    const isForm = /x-www-form-urlencoded/.test(request.headers["content-type"] ?? "")
    if (!isForm) return give(response, await pass(request, body))
    const call = new URLSearchParams(body.toString())
    const action = call.get("Action") ?? ""
    state.calls.push(action)
    if (!allowed.has(`ec2:${action}`))
      return fail(response, {
        ...{ code: "UnauthorizedOperation", status: 403 },
        message: `You are not authorized to perform this operation. User: arn:aws:iam::123456789012:user/test is not authorized to perform: ec2:${action} on resource: * because no identity-based policy allows the ec2:${action} action`,
      })
    const planned = state.failures.findIndex((one) => one.action === action)
    if (planned !== -1) return fail(response, state.failures.splice(planned, 1)[0] as ShimFailure)
    const answer = action === "RunInstances" ? await run(request, call) : await other(request, action, call)
    if ("code" in answer) return fail(response, answer)
    if (/^(Run|Terminate|Stop|Start)Instances$/.test(action)) state.changed()
    const lost = state.lost.indexOf(action)
    if (lost === -1) return give(response, answer)
    state.lost.splice(lost, 1)
    response.destroy()
  }

  async function run(request: IncomingMessage, call: URLSearchParams): Promise<Answer | Refusal> {
    state.launches.push(call)
    state.launchedAtMs = Date.now()
    const token = call.get("ClientToken") ?? ""
    const before = tokens.get(token)
    if (before !== undefined)
      return before.call === call.toString()
        ? before.answer
        : refusal("IdempotentParameterMismatch", "The client token was used with other parameters.")
    const userData = Buffer.from(call.get("UserData") ?? "", "base64")
    if (userData.length > maxUserDataBytes)
      return refusal("InvalidParameterValue", `User data is limited to ${maxUserDataBytes} bytes`)
    const refused = (await imageRefusal(request, call)) ?? limits(call)
    if (refused !== undefined) return refused
    const market = call.get("InstanceMarketOptions.MarketType") === "spot" ? "spot" : "on-demand"
    const count = Math.min(Number(call.get("MaxCount")), state.capacity[market])
    // moto launches the least that is asked for.
    const sent = new URLSearchParams(call)
    for (const name of ["MinCount", "MaxCount"]) sent.set(name, String(count))
    const answer = await pass(request, Buffer.from(sent.toString()))
    if (answer.status !== 200) return answer
    const ids = answer.body.toString().match(/(?<=<instanceId>)i-\w+/g) ?? []
    for (const id of ids) running.add(id)
    state.capacity[market] -= ids.length
    tokens.set(token, { call: call.toString(), answer })
    return answer
  }

  function limits(call: URLSearchParams): Refusal | undefined {
    const market = call.get("InstanceMarketOptions.MarketType") === "spot" ? "spot" : "on-demand"
    const [least, most] = [Number(call.get("MinCount")), Number(call.get("MaxCount"))]
    if (running.size + most > state.quota)
      return refusal(
        "VcpuLimitExceeded",
        `You have requested more vCPU capacity than your current vCPU limit of ${2 * state.quota} allows for the instance bucket that the specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an adjustment to this limit.`,
      )
    if (state.capacity[market] < least)
      return refusal(
        "InsufficientInstanceCapacity",
        market === "spot"
          ? "There is no Spot capacity available that matches your request."
          : `We currently do not have sufficient ${call.get("InstanceType")} capacity in the Availability Zone you requested. Our system will be working on provisioning additional capacity.`,
        500,
      )
    return undefined
  }

  async function imageRefusal(request: IncomingMessage, call: URLSearchParams): Promise<Refusal | undefined> {
    const image = call.get("ImageId") ?? ""
    const asked = new URLSearchParams({ Action: "DescribeImages", Version: "2016-11-15", "ImageId.1": image })
    const { status } = await pass(request, Buffer.from(asked.toString()))
    return status === 200
      ? undefined
      : refusal("InvalidAMIID.NotFound", `The image id '[${image}]' does not exist`)
  }

  async function other(
    request: IncomingMessage,
    action: string,
    call: URLSearchParams,
  ): Promise<Answer | Refusal> {
    if (action === "GetConsoleOutput") return consoleOutput(call.get("InstanceId") ?? "")
    const answer = await pass(request, Buffer.from(call.toString()))
    if (action === "TerminateInstances")
      for (const id of answer.body.toString().match(/(?<=<instanceId>)i-\w+/g) ?? []) running.delete(id)
    return action === "DescribeInstances" ? { ...answer, body: withReasons(answer.body) } : answer
  }

  function consoleOutput(id: string): Answer {
    const output = Buffer.from(state.consoleOf(id)).toString("base64")
    const body = `<GetConsoleOutputResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><instanceId>${id}</instanceId><timestamp>2026-01-01T00:00:00.000Z</timestamp><output>${output}</output></GetConsoleOutputResponse>`
    return { status: 200, headers: { "content-type": "text/xml" }, body: Buffer.from(body) }
  }

  function withReasons(body: Buffer): Buffer {
    let text = body.toString()
    for (const [id, { code, message }] of state.reasons)
      text = text.replace(
        new RegExp(
          `<stateReason>[^]*?</stateReason>((?:(?!<instanceId>|<stateReason>)[^])*<instanceId>${id}<)`,
        ),
        `<stateReason><code>${code}</code><message>${message}</message></stateReason>$1`,
      )
    return Buffer.from(text)
  }

  async function systemsManager(
    request: IncomingMessage,
    action: string,
    body: Buffer,
    response: ServerResponse,
  ): Promise<void> {
    state.calls.push(action)
    const json = (status: number, value: object) =>
      response.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(value))
    if (!allowed.has(`ssm:${action}`))
      return void json(400, {
        __type: "AccessDeniedException",
        message: `User: arn:aws:iam::123456789012:user/test is not authorized to perform: ssm:${action}`,
      })
    const planned = state.failures.findIndex((one) => one.action === action)
    const [failure] = planned === -1 ? [] : state.failures.splice(planned, 1)
    if (failure !== undefined)
      return void json(failure.status ?? 400, { __type: failure.code, message: failure.message })
    const own = await state.command(action, JSON.parse(body.toString()))
    if (own !== undefined) return void json(200, own)
    give(response, await pass(request, body))
  }

  /** moto's answer. */
  function pass(request: IncomingMessage, body: Buffer): Promise<Answer> {
    const { method, headers, url } = request
    return new Promise((resolve, reject) => {
      const sent = sendRequest(
        new URL(url ?? "/", upstream),
        { method, headers: { ...headers, "content-length": body.length } },
        (answer) =>
          bytesOf(answer).then((bytes) => {
            const { "transfer-encoding": _, ...rest } = answer.headers
            resolve({ status: answer.statusCode ?? 500, headers: rest, body: bytes })
          }, reject),
      )
      sent.on("error", reject).end(body)
    })
  }
}

interface Answer {
  readonly status: number
  readonly headers: IncomingMessage["headers"]
  readonly body: Buffer
}

type Refusal = Omit<ShimFailure, "action">

const requestId = "ea966190-f9aa-478e-9ede-000000000000"

function refusal(code: string, message: string, status = 400): Refusal {
  return { code, message, status }
}

function give(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, "content-length": body.length }).end(body)
}

function fail(response: ServerResponse, { code, message, status = 400 }: Refusal): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>${requestId}</RequestID></Response>`
  response.writeHead(status, { "content-type": "text/xml", "x-amzn-requestid": requestId }).end(body)
}

/** What the printed policy allows, by the names of actions alone. */
function allowedActions(): Set<string> {
  return new Set(userPolicy().Statement.flatMap(({ Action }) => Action))
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
