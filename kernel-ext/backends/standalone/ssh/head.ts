import { connect } from "node:net"
import type { Duplex } from "node:stream"
import { setTimeout as sleep } from "node:timers/promises"
import { createGzip } from "node:zlib"
import type { HeadRecipe, QueueAddress } from "../hosts.ts"
import { sshError } from "./errors.ts"
import { quote } from "./host-key.ts"
import { fileToUpload } from "./own-node.ts"
import { poolFolder, startProgram } from "./processes.ts"
import type { Shell } from "./shell.ts"
import type { Link, SshHost } from "./ssh-host.ts"
import type { Tunnels } from "./tunnels.ts"
import { upload } from "./upload.ts"

/** The queue's server on a host, and the way to it. */

const server = "nats-server"
const startTries = 3
/** Above what systems give to outgoing connections is too little room; below are services that have names. */
const [firstPort, lastPort] = [20_000, 32_000]

/** Resolves with its port. */
export async function startHead({ connection, there }: Link, recipe: HeadRecipe): Promise<number> {
  const platform = `${there.platform}-${there.arch}`
  if (platform !== "linux-x64" && platform !== "linux-arm64")
    throw sshError(
      "setup",
      `${connection.settings.name} is ${platform}: the server is there for Linux on x64 and arm64.`,
    )
  return headProgram(connection, recipe, {
    folder: there.folder,
    addresses: [...addressesOf({ connection, there }), there.hostName, "localhost", "127.0.0.1"],
    async bring(folder, isThere) {
      const path = `${folder}/${server}`
      if (!isThere) await bringServer(connection, await recipe.server(platform), path)
      return path
    },
  })
}

interface HeadProgram {
  /** Where all that cellfan keeps on the machine stands. */
  readonly folder: string
  readonly addresses: readonly string[]
  readonly listenAt?: string
  /** Resolves with the program's path. @param isThere Whether the server's folder has one. */
  bring(folder: string, isThere: boolean): Promise<string>
}

/** Starts the server on the machine that the shell is of, or finds it again. Resolves with its port. */
export async function headProgram(shell: Shell, recipe: HeadRecipe, place: HeadProgram): Promise<number> {
  const folder = `${poolFolder(place.folder, recipe.pool)}/head`
  for (let left = startTries; ; left--) {
    try {
      return await tryToStart(shell, recipe, place, folder)
    } catch (error) {
      if (left === 1 || !/address already in use|bind/i.test((error as Error).message)) throw error
      // Somebody else has the port: another one.
      await shell.script("take another port", `rm -f ${quote(`${folder}/port`)}`)
    }
  }
}

async function tryToStart(
  shell: Shell,
  recipe: HeadRecipe,
  { addresses, listenAt, bring }: HeadProgram,
  folder: string,
): Promise<number> {
  const wished = firstPort + Math.floor(Math.random() * (lastPort - firstPort))
  const told = await shell.script(
    "look for the queue's server",
    `umask 077; mkdir -p ${quote(folder)} && cd ${quote(folder)} || exit 1
[ -s port ] || echo ${wished} > port
echo "cellfan:port=$(cat port)"
[ ! -x ${server} ] || echo cellfan:there=1`,
  )
  const program = await bring(folder, told.has("there"))
  const port = Number(told.get("port")?.[0])
  const place = { folder, port, addresses: [...new Set(addresses)] }
  await startProgram(shell, {
    name: "nats",
    ...{ folder, program, args: ["-c", `${folder}/nats.conf`] },
    files: recipe.files(listenAt === undefined ? place : { ...place, listenAt }),
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

/** How others may call a host, the likeliest first: as we do, and by its own addresses but those that every host has. */
function addressesOf({ connection, there }: Link): string[] {
  const ours = connection.settings.host
  const isOwn = (name: string) => !/^(localhost$|127\.|::1$|169\.254\.|172\.17\.|fe80:)/i.test(name)
  return [...new Set([ours, ...there.addresses].filter(isOwn))]
}

/** A server that runs. */
export interface Head {
  /** Of the host that it is on; undefined: this machine. */
  readonly name: string | undefined
  readonly port: number
  /** How hosts may reach it; none: only by tunnels. */
  readonly addresses: readonly string[]
  /** A connection to it, by way of this process. */
  reach(): Promise<Duplex>
}

export function headOn(host: SshHost, link: Link, port: number): Head {
  const reach = async () => {
    const { connection } = await host.link(AbortSignal.timeout(dialMs))
    return connection.reach("127.0.0.1", port)
  }
  return { name: host.name, port, addresses: addressesOf(link), reach }
}

/** How agents and this process reach it. The tunnel, where one is needed, lives as long as `tunnels`. */
export async function addressOf(
  { port, addresses, reach }: Head,
  { connection }: Link,
  tunnels: Tunnels,
): Promise<QueueAddress> {
  const { host: name, jumps, proxyCommand } = connection.settings
  // The last one is for the host itself, and for those that only a tunnel leads from.
  const agents = [...addresses, "127.0.0.1"].map((address) => url(address, port))
  const isStraight = jumps.length === 0 && proxyCommand === undefined && (await answers(name, port))
  if (isStraight) return { agents, kernel: [url(name, port)] }
  const local = await tunnels.open(reach)
  return { agents, kernel: [url("127.0.0.1", local)] }
}

/**
 * Sees to it that a host's agent reaches the server: straight, or else by a tunnel through this machine, whose near end is the
 * server's port on the host's own loopback.
 *
 * @throws BackendError where neither goes.
 */
export async function leadTo(
  head: Head,
  { connection }: Link,
  node: string,
  tunnels: Tunnels,
  say: (text: string) => void,
): Promise<void> {
  const { name } = connection.settings
  const { port, addresses } = head
  if (name === head.name) return
  const isReached = async (at: readonly string[]) => {
    const words = `${quote(node)} -e ${quote(dial)} ${port} ${at.map(quote).join(" ")} </dev/null`
    return (await connection.script("look for the queue's server", words)).has("reached")
  }
  if (addresses.length > 0 && (await isReached(addresses))) return
  const where =
    head.name === undefined ? "this machine" : `${head.name} (port ${port} of ${addresses.join(", ")})`
  const problem = `${name} cannot reach the queue's server on ${where}`
  const open = () => connection.listen(port, (accept) => tunnels.join(accept(), head.reach))
  try {
    await open()
  } catch (error) {
    // Another kernel of this pool may lead there, for as long as it runs.
    if (!(await isReached(["127.0.0.1"])))
      throw sshError(
        "network",
        `${problem}, ${addresses.length > 0 ? "nor through this machine" : "through its connection"}: ${(error as Error).message}`,
        error,
      )
    void takeOver(connection, open)
  }
  if (head.name !== undefined)
    say(
      `${problem}: it does so through this machine, and no longer than that runs. Open the port between the hosts for jobs that outlive it`,
    )
}

/** Opens a tunnel once the one that is there now is gone. */
async function takeOver(connection: Link["connection"], open: () => Promise<void>): Promise<void> {
  let isClosed = false
  void connection.closed.then(() => {
    isClosed = true
  })
  while (!isClosed) {
    await sleep(takeOverMs, undefined, { ref: false })
    try {
      await open()
      return
    } catch {
      // It is still there.
    }
  }
}

/** An agent looks for its server again for longer than that. */
const takeOverMs = 3000

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

export function url(address: string, port: number): string {
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
