import { spawn } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { root } from "../util/paths.mjs"
import { mustRun } from "../util/run.mjs"
import { hostScript, sshdConfig } from "./host-script.mjs"
import { asRoot, joinBridge, joinHost, makeBridge, removeNetwork, sweep, whyNoNetwork } from "./network.mjs"

/**
 * SSH hosts on this machine, as real as it can make them: each is a network namespace on a bridge with an address, a sshd, users,
 * home folders, processes and a host name of its own, and sees nothing of this clone.
 *
 * - hosts.mjs (this file)   hosts that are started, broken and stopped
 * - network.mjs             bridge, namespaces, links
 * - host-script.mjs         what runs within a host before its sshd
 *
 * @typedef {object} HostSpec
 * @property {string} [name] Default: h1, h2, …
 * @property {string} [user] Whom one logs in as. Default: "ada", who is not root.
 * @property {number} [port] Default: 22.
 * @property {string | false} [node] The Node in its path; false: none. Default: the Node that runs this.
 * @property {string} [behind] Name of the host it is reached through, in place of the bridge.
 * @property {string} [homeOf] Name of the host whose home folders it has, too. Default: its own.
 * @property {number} [homeMiB] Room in its home folders. Default: as much as this machine has.
 * @property {string} [setup] Shell commands that run as root in the host before its sshd starts, such as a mount.
 * @property {readonly string[]} [sshd] Further lines of its sshd_config.
 *
 * @typedef {object} Host
 * @property {string} name
 * @property {string} address
 * @property {number} port
 * @property {string} user
 * @property {string} hostKey Public host keys, one a line: "ssh-ed25519 AAAA…".
 * @property {string | undefined} home The folder of this machine that is its /home; undefined where that has a limit.
 * @property {(script: string) => Promise<string>} run Runs shell commands in it as root; resolves with their output.
 * @property {() => Promise<void>} linkDown Cuts its cable.
 * @property {() => Promise<void>} linkUp
 * @property {() => Promise<void>} powerOff Cuts cable and power: no process of it says farewell.
 * @property {() => Promise<void>} powerOn Starts it again; its home folders are as they were.
 *
 * @typedef {object} Hosts
 * @property {readonly Host[]} hosts
 * @property {string} folder
 * @property {string} keyFile The private key that opens them.
 * @property {string} knownHostsFile
 * @property {string} sshConfigFile Says all of the above by the hosts' names: `ssh -F FILE h1`.
 * @property {string} gateway This machine's address on the bridge.
 * @property {() => Promise<void>} stop
 */

/** What lacks to start hosts here; undefined where nothing does. */
export function whyNoHosts() {
  return whyNoNetwork()
}

const threeHosts = [{}, {}, {}]

const startWithinMs = 15_000

/** @param {readonly HostSpec[]} [specs] @returns {Promise<Hosts>} */
export async function startHosts(specs = threeHosts) {
  await sweep()
  const folder = mkdtempSync(join(tmpdir(), "cellfan-hosts-"))
  const network = await makeBridge()
  const keyFile = join(folder, "id_ed25519")
  /** @type {Machine[]} */
  const machines = []
  const stop = async () => {
    await Promise.all(machines.map((machine) => machine.end()))
    await removeNetwork(network)
    // What users of hosts wrote is theirs.
    await mustRun(...asRoot("rm", ["-rf", folder]))
  }
  try {
    await mustRun("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "cellfan", "-f", keyFile])
    for (const [at, spec] of specs.entries())
      machines.push(await makeHost(spec, at, network, folder, machines))
    await Promise.all(machines.map((machine) => machine.start()))
  } catch (error) {
    await stop()
    throw error
  }
  const hosts = machines.map(({ host }) => host)
  return { hosts, folder, keyFile, gateway: network.gateway, stop, ...writeClientFiles(folder, machines) }
}

/**
 * @typedef {object} Machine
 * @property {Host} host
 * @property {string} namespace
 * @property {string | undefined} behind
 * @property {() => Promise<void>} start
 * @property {() => Promise<void>} end
 */

/** @returns {Promise<Machine>} */
async function makeHost(spec, at, network, folder, others) {
  const {
    name = `h${at + 1}`,
    user = "ada",
    port = 22,
    node = process.execPath,
    behind,
    homeOf = name,
  } = spec
  const own = join(folder, name)
  const home = join(folder, homeOf, "home")
  mkdirSync(own)
  mkdirSync(home, { recursive: true })
  // Users of the host pass through.
  for (const path of [folder, own, home]) chmodSync(path, 0o755)
  for (const type of ["ed25519", "ecdsa"])
    await mustRun("ssh-keygen", ["-q", "-t", type, "-N", "", "-C", name, "-f", join(own, `key_${type}`)])
  const link =
    behind === undefined
      ? await joinBridge(network, at)
      : await joinHost(network, at, others.find(({ host }) => host.name === behind)?.namespace)
  writeFileSync(join(own, "sshd_config"), sshdConfig(port, spec.sshd ?? []))
  const settings = {
    name,
    user,
    node,
    own,
    home,
    repository: root,
    homeMiB: spec.homeMiB,
    setup: spec.setup ?? "",
  }
  writeFileSync(
    join(own, "host.sh"),
    hostScript({ ...settings, authorizedKeys: join(folder, "id_ed25519.pub") }),
  )
  const runner = new Runner(link.namespace, own, name)
  const host = {
    name,
    user,
    port,
    address: link.address,
    hostKey: ["ed25519", "ecdsa"].map((type) => publicKey(join(own, `key_${type}.pub`))).join("\n"),
    home: spec.homeMiB === undefined ? home : undefined,
    run: (script) => runner.run(script),
    linkDown: () => link.set("down"),
    linkUp: () => link.set("up"),
    powerOff: async () => {
      await link.set("down")
      await runner.end()
    },
    powerOn: async () => {
      await link.set("up")
      await runner.start()
    },
  }
  return { host, namespace: link.namespace, behind, start: () => runner.start(), end: () => runner.end() }
}

/** The processes of one host. Its first one ends with its standard input, and all others with it. */
class Runner {
  #namespace
  #folder
  #name
  #child

  constructor(namespace, folder, name) {
    this.#namespace = namespace
    this.#folder = folder
    this.#name = name
  }

  async start() {
    const isolated = ["unshare", "--pid", "--fork", "--mount-proc", "--uts", "--kill-child", "sh"]
    const args = ["netns", "exec", this.#namespace, ...isolated, join(this.#folder, "host.sh")]
    const child = spawn(...asRoot("ip", args), { stdio: ["pipe", "pipe", "pipe"], detached: true })
    this.#child = child
    child.stdin.on("error", () => {})
    let said = ""
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding("utf8").on("data", (text) => {
        said = (said + text).slice(-4000)
      })
    const isRunning = () => child.exitCode === null && child.signalCode === null
    for (const end = Date.now() + startWithinMs; Date.now() < end && isRunning(); await sleep(20))
      if (said.includes("Server listening")) return
    await this.end()
    throw new Error(`Host ${this.#name} did not start. It said:\n${said}`)
  }

  /** Runs in the host's own namespaces, which its first process has. */
  async run(script) {
    const pid = firstOfHost(this.#child.pid)
    const enter = ["-t", String(pid), "-m", "-u", "-n", "-p", "-i", "sh", "-c", script]
    return await mustRun(...asRoot("nsenter", enter), { cwd: "/" })
  }

  async end() {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once("exit", resolve))
    child.stdin.end()
    await ended
  }
}

/** The process that `unshare` started; sudo may stand before that. */
function firstOfHost(pid) {
  const name = readFileSync(`/proc/${pid}/comm`, "utf8").trim()
  const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ")
  if (!child) throw new Error(`Process ${pid}, ${name}, has no child.`)
  return name === "unshare" ? Number(child) : firstOfHost(child)
}

function publicKey(file) {
  return readFileSync(file, "utf8").split(" ").slice(0, 2).join(" ")
}

function writeClientFiles(folder, machines) {
  const [knownHostsFile, sshConfigFile] = [join(folder, "known_hosts"), join(folder, "ssh_config")]
  const keys = machines.flatMap(({ host: { address, port, hostKey } }) => {
    const names = port === 22 ? address : `[${address}]:${port}`
    return hostKey.split("\n").map((key) => `${names} ${key}\n`)
  })
  writeFileSync(knownHostsFile, keys.join(""))
  const entries = machines.map(({ behind, host: { name, address, port, user } }) =>
    [
      `Host ${name}`,
      `  HostName ${address}`,
      `  Port ${port}`,
      `  User ${user}`,
      ...(behind === undefined ? [] : [`  ProxyJump ${behind}`]),
      "",
    ].join("\n"),
  )
  const everywhere = [
    "Host *",
    `  IdentityFile ${join(folder, "id_ed25519")}`,
    "  IdentitiesOnly yes",
    `  UserKnownHostsFile ${knownHostsFile}`,
    "",
  ]
  writeFileSync(sshConfigFile, entries.join("") + everywhere.join("\n"))
  return { knownHostsFile, sshConfigFile }
}
