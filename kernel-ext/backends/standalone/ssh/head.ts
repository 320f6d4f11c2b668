import { connect, createServer, type Server } from "node:net"
import type { Duplex } from "node:stream"
import { setTimeout as sleep } from "node:timers/promises"
import { createGzip } from "node:zlib"
import type { HeadRecipe, QueueAddress } from "../hosts.ts"
import { sshError } from "./errors.ts"
import { quote } from "./host-key.ts"
import { fileToUpload } from "./own-node.ts"
import { poolFolder, startProgram } from "./processes.ts"
import type { Link, SshHost } from "./ssh-host.ts"
import { upload } from "./upload.ts"

/** The queue's server on a host, and the way to it. */

const server = "nats-server"
const startTries = 3
/** Above what systems give to outgoing connections is too little room; below are services that have names. */
const [firstPort, lastPort] = [20_000, 32_000]

export async function startHead(link: Link, recipe: HeadRecipe): Promise<number> {
  for (let left = startTries; ; left--) {
    try {
      return await tryToStart(link, recipe)
    } catch (error) {
      if (left === 1 || !/address already in use|bind/i.test((error as Error).message)) throw error
      // Somebody else has the port: another one.
      const { connection, there } = link
      await connection.script(
        "take another port",
        `rm -f ${quote(`${headFolder(there.folder, recipe)}/port`)}`,
      )
    }
  }
}

async function tryToStart({ connection, there }: Link, recipe: HeadRecipe): Promise<number> {
  const platform = `${there.platform}-${there.arch}`
  if (platform !== "linux-x64" && platform !== "linux-arm64")
    throw sshError(
      "setup",
      `${connection.settings.name} is to run the queue's server, which is there for Linux on x64 and arm64, and is ${platform}: name another host first, or a NATS server of your own`,
    )
  const folder = headFolder(there.folder, recipe)
  const wished = firstPort + Math.floor(Math.random() * (lastPort - firstPort))
  const told = await connection.script(
    "look for the queue's server",
    `umask 077; mkdir -p ${quote(folder)} && cd ${quote(folder)} || exit 1
[ -s port ] || echo ${wished} > port
echo "cellfan:port=$(cat port)"
[ ! -x ${server} ] || echo cellfan:there=1`,
  )
  if (!told.has("there")) await bringServer(connection, await recipe.server(platform), `${folder}/${server}`)
  const port = Number(told.get("port")?.[0])
  const addresses = [...addressesOf({ connection, there }), there.hostName, "localhost", "127.0.0.1"]
  await startProgram(connection, {
    name: "nats",
    folder,
    program: `${folder}/${server}`,
    args: ["-c", `${folder}/nats.conf`],
    files: recipe.files({ folder, port, addresses: [...new Set(addresses)] }),
  })
  return port
}

async function bringServer(connection: Link["connection"], file: string, path: string): Promise<void> {
  const { content, sizeBytes } = await fileToUpload(file)
  await upload(connection, {
    what: "The queue's server",
    path,
    content: () => content().pipe(createGzip({ level: 1 })),
    sizeBytes,
    mode: "700",
    zipped: true,
  })
}

function headFolder(folder: string, { pool }: HeadRecipe): string {
  return `${poolFolder(folder, pool)}/head`
}

/** How others may call a host, the likeliest first: as we do, and by its own addresses. */
function addressesOf({ connection, there }: Link): string[] {
  const ours = connection.settings.host
  const isLoopback = (name: string) => /^(localhost|127\.|::1$)/.test(name)
  // Ours is a tunnel's end, or a name that holds here alone.
  const names = isLoopback(ours) ? [...there.addresses, ours] : [ours, ...there.addresses]
  return [...new Set(names)]
}

/** How agents and this process reach it. The tunnel, where one is needed, lives as long as `tunnels`. */
export async function addressOf(
  host: SshHost,
  link: Link,
  port: number,
  tunnels: Tunnels,
  signal: AbortSignal,
): Promise<QueueAddress> {
  const { host: name, jumps, proxyCommand } = link.connection.settings
  const agents = addressesOf(link).map((address) => url(address, port))
  const isStraight = jumps.length === 0 && proxyCommand === undefined && (await answers(name, port))
  if (isStraight) return { agents, kernel: [url(name, port)] }
  const local = await tunnels.open(async () => (await host.link(signal)).connection.reach("127.0.0.1", port))
  return { agents, kernel: [url("127.0.0.1", local)] }
}

function url(address: string, port: number): string {
  return `tls://${address.includes(":") ? `[${address}]` : address}:${port}`
}

/** A firewall may swallow what is sent: then the tunnel is the way. */
async function answers(host: string, port: number): Promise<boolean> {
  for (const patienceMs of [500, 1000]) {
    const socket = connect({ host, port })
    try {
      const connected = new Promise<boolean>((resolve) => {
        socket.once("connect", () => resolve(true)).once("error", () => resolve(false))
      })
      if (await Promise.race([connected, sleep(patienceMs, false)])) return true
    } finally {
      socket.destroy()
    }
    // It may just be starting.
    await sleep(200)
  }
  return false
}

/** Ports of this machine that lead to hosts. */
export class Tunnels {
  readonly #servers = new Set<Server>()
  readonly #ends = new Set<Duplex>()

  async open(reach: () => Promise<Duplex>): Promise<number> {
    const local = createServer((socket) => {
      reach().then(
        (far) => this.join(socket, far),
        () => socket.destroy(),
      )
      socket.on("error", () => {})
    })
    await new Promise<void>((resolve, reject) => {
      local.once("error", reject).listen(0, "127.0.0.1", resolve)
    })
    this.#servers.add(local)
    return (local.address() as { port: number }).port
  }

  /** What comes from one goes to the other; when one ends, both do. */
  join(one: Duplex, other: Duplex): void {
    for (const [from, to] of [
      [one, other],
      [other, one],
    ] as const) {
      this.#ends.add(from)
      from.on("error", () => to.destroy())
      from.on("close", () => {
        this.#ends.delete(from)
        to.destroy()
      })
      from.pipe(to)
    }
  }

  close(): void {
    for (const server of this.#servers) server.close()
    for (const end of this.#ends) end.destroy()
    this.#servers.clear()
  }
}
