import { createReadStream } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer, type RequestListener } from "node:http"
import { createServer as createSecureServer } from "node:https"
import { type AddressInfo, connect, createServer as createTcpServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Ec2Options } from "../../../kernel-ext/backends/standalone/ec2/options.ts"
import { type Ec2Client, type Ec2Sdk, ec2Sdk } from "../../../kernel-ext/backends/standalone/ec2/sdk.ts"
import { startMoto } from "../servers/moto.ts"
import type { Server } from "../servers/server-process.ts"
import { Instance } from "./instance.ts"
import { Bridge } from "./network.ts"
import { type Ec2Shim, startEc2Shim } from "./shim.ts"

/**
 * EC2 whose instances really boot: moto knows what there is, a proxy before it holds EC2's limits (shim.ts), and for each instance that
 * moto has launched one runs here (instance.ts), on a network of its own (network.ts).
 */
export interface CloudOptions {
  /** Whether images have Node. */
  readonly withNode?: boolean
  /** Shell that an instance's image is changed by; runs where its root is. */
  readonly prepare?: string
  readonly bootMs?: number
  readonly metadataDelayMs?: number
}

const keys = { accessKeyId: "test", secretAccessKey: "test" }

export class Cloud {
  readonly shim: Ec2Shim
  readonly bridge: Bridge
  readonly subnet: string
  readonly instances = new Map<string, Instance>()
  readonly client: Ec2Client
  readonly sdk: Ec2Sdk
  options: CloudOptions
  readonly #folder: string
  readonly #moto: Server
  readonly #servers: { close(): void }[] = []
  #looking: Promise<void> = Promise.resolve()
  #isStopped = false

  private constructor(parts: {
    shim: Ec2Shim
    bridge: Bridge
    subnet: string
    folder: string
    moto: Server
    client: Ec2Client
    sdk: Ec2Sdk
    options: CloudOptions
  }) {
    this.shim = parts.shim
    this.bridge = parts.bridge
    this.subnet = parts.subnet
    this.client = parts.client
    this.sdk = parts.sdk
    this.options = parts.options
    this.#folder = parts.folder
    this.#moto = parts.moto
    this.shim.changed = () => void this.look()
    this.shim.consoleOf = (id) => this.#consoles.get(id) ?? this.instances.get(id)?.console ?? ""
    this.shim.command = (action, body) => this.#command(action, body)
  }

  static async start(command: string, options: CloudOptions = {}): Promise<Cloud> {
    const [moto, folder, sdk] = await Promise.all([
      startMoto(command),
      mkdtemp(join(tmpdir(), "cellfan-ec2-")),
      ec2Sdk(),
    ])
    const bridge = new Bridge()
    const shim = await startEc2Shim(moto.url, bridge.address)
    const client = new sdk.EC2Client({ region: "us-east-1", endpoint: moto.url, credentials: keys })
    const { Vpc } = await client.send(new sdk.CreateVpcCommand({ CidrBlock: bridge.cidr }))
    const { Subnet } = await client.send(
      new sdk.CreateSubnetCommand({ VpcId: Vpc?.VpcId, CidrBlock: bridge.cidr }),
    )
    const subnet = Subnet?.SubnetId ?? ""
    return new Cloud({ shim, bridge, subnet, folder, moto, client, sdk, options })
  }

  /** What a backend is told, to launch here. */
  hostOptions(more: Partial<Ec2Options> = {}): Ec2Options {
    const access = { region: "us-east-1", endpoint: this.shim.url, keys: () => keys }
    return {
      ...{ access, owner: "tests", pool: "test", instances: 1, minHosts: 1, instanceType: "t3.medium" },
      ...{ spot: false, onDemandFallback: true, diskGiB: 8, headType: "t3.small" },
      subnets: [this.subnet],
      kernelAddress: this.bridge.address,
      expiresAfterMs: 3_600_000,
      pollMs: { pending: 200, steady: 500 },
      firstPauseMs: 20,
      storage: () => ({
        ...{ backend: "aws_s3", bucket: undefined, secrets: keys },
        options: { region: "us-east-1", endpoint: this.shim.url, pathStyle: true },
      }),
      ...more,
    }
  }

  /** Makes a port of this machine's loopback reachable from instances, and says where. */
  async forward(port: number): Promise<{ readonly host: string; readonly port: number }> {
    const server = createTcpServer((socket) => {
      const inner = connect(port, "127.0.0.1")
      socket.pipe(inner).pipe(socket)
      socket.on("error", () => inner.destroy())
      inner.on("error", () => socket.destroy())
    })
    await new Promise<void>((resolve) => server.listen(0, this.bridge.address, resolve))
    this.#servers.push(server)
    return { host: this.bridge.address, port: (server.address() as AddressInfo).port }
  }

  /** Makes files reachable from instances. @returns where. */
  async serve(
    fileOf: (path: string) => string | undefined,
    secure?: { readonly key: string; readonly cert: string; readonly port: number },
  ): Promise<string> {
    const give: RequestListener = ({ url = "" }, response) => {
      const file = fileOf(url.slice(1))
      if (file === undefined) response.writeHead(404).end()
      else createReadStream(file).pipe(response)
    }
    const server = secure === undefined ? createServer(give) : createSecureServer(secure, give)
    await new Promise<void>((resolve) => server.listen(secure?.port ?? 0, this.bridge.address, resolve))
    this.#servers.push({
      close: () => {
        server.closeAllConnections()
        server.close()
      },
    })
    return `http://${this.bridge.address}:${(server.address() as AddressInfo).port}`
  }

  /** The machine breaks: EC2 notices nothing at first. */
  async kill(id: string): Promise<void> {
    await this.instances.get(id)?.end("cut")
  }

  /** Boots what moto has launched, and ends what it has not any more. */
  look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#look()).catch((error) => console.error("cloud:", error))
    return this.#looking
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await this.#looking
    await Promise.all([...this.instances.values()].map((instance) => instance.end("cut")))
    for (const server of this.#servers) server.close()
    this.client.destroy()
    await this.shim.stop()
    await this.#moto.stop()
    this.bridge.remove()
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  readonly #consoles = new Map<string, string>()

  async #look(): Promise<void> {
    if (this.#isStopped) return
    const { Reservations = [] } = await this.client.send(new this.sdk.DescribeInstancesCommand({}))
    for (const { Instances = [] } of Reservations)
      for (const {
        InstanceId: id = "",
        State,
        PrivateIpAddress: address = "",
        InstanceType = "",
      } of Instances) {
        const runs = State?.Name === "running" || State?.Name === "pending"
        const there = this.instances.get(id)
        if (runs && there === undefined && address.startsWith(this.bridge.prefix))
          await this.#boot(id, address, InstanceType)
        if (!runs && there !== undefined) {
          this.#consoles.set(id, there.console)
          this.instances.delete(id)
          void there.end("shut down")
        }
      }
  }

  async #boot(id: string, address: string, type: string): Promise<void> {
    const { UserData } = await this.client.send(
      new this.sdk.DescribeInstanceAttributeCommand({ InstanceId: id, Attribute: "userData" }),
    )
    const { withNode = true, prepare = "", bootMs = 0, metadataDelayMs = 0 } = this.options
    const instance = new Instance(this.bridge, {
      ...{ id, address, type, withNode, prepare, bootMs, metadataDelayMs, folder: this.#folder },
      userData: Buffer.from(UserData?.Value ?? "", "base64"),
      ended: () => void this.#shutDown(id),
    })
    this.instances.set(id, instance)
  }

  /** `shutdown` within an instance does what it was launched to do then. */
  async #shutDown(id: string): Promise<void> {
    const { InstanceInitiatedShutdownBehavior: behaviour } = await this.client.send(
      new this.sdk.DescribeInstanceAttributeCommand({
        InstanceId: id,
        Attribute: "instanceInitiatedShutdownBehavior",
      }),
    )
    this.shim.reasons.set(id, {
      code: "Client.InstanceInitiatedShutdown",
      message: "Client.InstanceInitiatedShutdown: Instance initiated shutdown",
    })
    const ids = { InstanceIds: [id] }
    if (behaviour?.Value === "terminate") await this.client.send(new this.sdk.TerminateInstancesCommand(ids))
    else await this.client.send(new this.sdk.StopInstancesCommand(ids))
    await this.look()
  }

  readonly #commands = new Map<string, { Status: string; StandardErrorContent: string }>()

  /** Systems Manager's agent, which Amazon's images have. */
  async #command(action: string, body: Record<string, unknown>): Promise<object | undefined> {
    if (action === "DescribeInstanceInformation") {
      const [{ Values = [] } = {}] = (body.Filters ?? []) as { Values?: string[] }[]
      const online = Values.filter((id) => this.instances.get(id)?.isUp)
      return { InstanceInformationList: online.map((InstanceId) => ({ InstanceId, PingStatus: "Online" })) }
    }
    if (action === "SendCommand") {
      const CommandId = crypto.randomUUID()
      const [id = ""] = body.InstanceIds as string[]
      const { commands = [] } = body.Parameters as { commands?: string[] }
      this.#commands.set(CommandId, { Status: "InProgress", StandardErrorContent: "" })
      void this.instances
        .get(id)
        ?.run(commands.join("\n"))
        .then(({ output, code }) =>
          this.#commands.set(CommandId, {
            Status: code === 0 ? "Success" : "Failed",
            StandardErrorContent: output,
          }),
        )
      return { Command: { CommandId } }
    }
    return action === "GetCommandInvocation" ? this.#commands.get(String(body.CommandId)) : undefined
  }
}
