import { connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { createGzip } from "node:zlib"
import type { HeadRecipe, QueueAddress } from "../hosts.ts"
import { sshError } from "./errors.ts"
import { quote } from "./host-key.ts"
import { fileToUpload } from "./own-node.ts"
import { poolFolder, startProgram } from "./processes.ts"
import type { Link, SshHost } from "./ssh-host.ts"
import type { Tunnels } from "./tunnels.ts"
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
      `${connection.settings.name} is ${platform}: the server is there for Linux on x64 and arm64.`,
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

/** How others may call a host, the likeliest first: as we do, and by its own addresses but those that every host has. */
function addressesOf({ connection, there }: Link): string[] {
  const ours = connection.settings.host
  const isOwn = (name: string) => !/^(localhost$|127\.|::1$|169\.254\.|172\.17\.|fe80:)/i.test(name)
  return [...new Set([ours, ...there.addresses].filter(isOwn))]
}

/** A server on a host. */
export interface Head {
  readonly host: SshHost
  readonly port: number
  readonly addresses: readonly string[]
}

export function headOn(host: SshHost, link: Link, port: number): Head {
  return { host, port, addresses: addressesOf(link) }
}

/** How agents and this process reach it. The tunnel, where one is needed, lives as long as `tunnels`. */
export async function addressOf(
  { host, port, addresses }: Head,
  { connection }: Link,
  tunnels: Tunnels,
  signal: AbortSignal,
): Promise<QueueAddress> {
  const { host: name, jumps, proxyCommand } = connection.settings
  // The last one is for the host itself, and for those that only a tunnel leads from.
  const agents = [...addresses, "127.0.0.1"].map((address) => url(address, port))
  const isStraight = jumps.length === 0 && proxyCommand === undefined && (await answers(name, port))
  if (isStraight) return { agents, kernel: [url(name, port)] }
  const local = await tunnels.open(async () => (await host.link(signal)).connection.reach("127.0.0.1", port))
  return { agents, kernel: [url("127.0.0.1", local)] }
}

/**
 * Sees to it that a host's agent reaches the server: straight, or else by a tunnel through this machine, whose near end is the
 * server's port on the host's own loopback.
 *
 * @throws BackendError where neither goes.
 */
export async function leadTo(
  { host, port, addresses }: Head,
  { connection }: Link,
  node: string,
  tunnels: Tunnels,
  say: (text: string) => void,
): Promise<void> {
  const { name } = connection.settings
  if (name === host.name) return
  const told = await connection.script(
    "look for the queue's server",
    `${quote(node)} -e ${quote(dial)} ${port} ${addresses.map(quote).join(" ")} </dev/null`,
  )
  if (told.has("reached")) return
  const problem = `${name} cannot reach the queue's server on ${host.name} (port ${port} of ${addresses.join(", ")})`
  try {
    await connection.listen(port, (accept) =>
      tunnels.join(accept(), async () => {
        const { connection } = await host.link(AbortSignal.timeout(dialMs))
        return connection.reach("127.0.0.1", port)
      }),
    )
  } catch (error) {
    throw sshError("network", `${problem}, nor through this machine: ${(error as Error).message}`, error)
  }
  say(
    `${problem}: it does so through this machine, and no longer than that runs. Open the port between the hosts for jobs that outlive it`,
  )
}

const dialMs = 3000

/** Runs on a host: which of these can be connected to? */
const dial = `const [port, ...hosts] = process.argv.slice(1)
let left = hosts.length
for (const host of hosts) {
  const socket = require("net").connect({ host, port: +port })
  socket.on("connect", () => { console.log("cellfan:reached=" + host); process.exit() })
  socket.on("error", () => { if (--left === 0) process.exit() })
}
setTimeout(() => process.exit(), ${dialMs})`

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
