import { execFileSync } from "node:child_process"
import { existsSync, readdirSync } from "node:fs"
import { mustRun } from "../util/run.mjs"

/** A bridge that only this machine is on, and network namespaces plugged into it. */

/** How the command is run by root, who alone may make networks. */
export function asRoot(command, args) {
  return process.getuid?.() === 0 ? [command, args] : ["sudo", ["-n", command, ...args]]
}

/** What lacks to make networks here; undefined where nothing does. */
export function whyNoNetwork() {
  if (process.platform !== "linux") return "Linux"
  if (!existsSync("/usr/sbin/sshd")) return "sshd (apt-get install openssh-server)"
  const name = `cfp${process.pid}`
  try {
    execFileSync(...asRoot("ip", ["link", "add", name, "type", "bridge"]), { stdio: "ignore" })
    execFileSync(...asRoot("ip", ["link", "del", name]), { stdio: "ignore" })
    return undefined
  } catch {
    return "the right to make network namespaces (root or sudo, and apt-get install iproute2)"
  }
}

let made = 0

/**
 * All names begin with the maker's process id, so that what a killed one left is known.
 *
 * @returns {Promise<{ id: string, bridge: string, net: string, gateway: string, namespaces: string[] }>}
 */
export async function makeBridge() {
  const id = `cf${process.pid}n${made++}`
  const net = await freeNet()
  const gateway = `${net}.1`
  await ip(["link", "add", id, "type", "bridge"])
  await ip(["addr", "add", `${gateway}/25`, "dev", id])
  await ip(["link", "set", id, "up"])
  return { id, bridge: id, net, gateway, namespaces: [] }
}

/** First three numbers of a network of 256 addresses that this machine has no way to. */
async function freeNet() {
  for (;;) {
    const [a, b] = [64 + Math.floor(Math.random() * 64), Math.floor(Math.random() * 256)]
    const net = `10.${a}.${b}`
    if (!(await mustRun("ip", ["-4", "addr"])).includes(` ${net}.`)) return net
  }
}

/** A namespace on the bridge: addresses .11, .12, … */
export async function joinBridge(network, at) {
  const namespace = await makeNamespace(network, at)
  const [cable, address] = [`${network.id}v${at}`, `${network.net}.${11 + at}`]
  await ip(["link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", namespace])
  await ip(["link", "set", cable, "master", network.bridge, "up"])
  await ip(["-n", namespace, "addr", "add", `${address}/25`, "dev", "eth0"])
  await ip(["-n", namespace, "link", "set", "eth0", "up"])
  return { namespace, address, set: (state) => ip(["link", "set", cable, state]) }
}

/** A namespace that only another one sees, by a cable of their own. */
export async function joinHost(network, at, other) {
  if (other === undefined) throw new Error("A host stands behind another one that is named before it.")
  const namespace = await makeNamespace(network, at)
  const first = 128 + 4 * at
  const [near, address] = [`${network.net}.${first + 1}`, `${network.net}.${first + 2}`]
  await ip([
    "-n",
    other,
    "link",
    "add",
    `to${at}`,
    "type",
    "veth",
    "peer",
    "name",
    "eth0",
    "netns",
    namespace,
  ])
  await ip(["-n", other, "addr", "add", `${near}/30`, "dev", `to${at}`])
  await ip(["-n", other, "link", "set", `to${at}`, "up"])
  await ip(["-n", namespace, "addr", "add", `${address}/30`, "dev", "eth0"])
  await ip(["-n", namespace, "link", "set", "eth0", "up"])
  return { namespace, address, set: (state) => ip(["-n", other, "link", "set", `to${at}`, state]) }
}

async function makeNamespace(network, at) {
  const namespace = `${network.id}h${at}`
  await ip(["netns", "add", namespace])
  network.namespaces.push(namespace)
  await ip(["-n", namespace, "link", "set", "lo", "up"])
  return namespace
}

export async function removeNetwork(network) {
  for (const namespace of network.namespaces) await ip(["netns", "del", namespace])
  await ip(["link", "del", network.bridge])
}

/** Removes networks of processes that were killed before they did. Their hosts end by themselves. */
export async function sweep() {
  const isStale = (name) => {
    const pid = /^cf(\d+)n/.exec(name)?.[1]
    return pid !== undefined && !existsSync(`/proc/${pid}`)
  }
  for (const name of existsSync("/run/netns") ? readdirSync("/run/netns").filter(isStale) : [])
    await ip(["netns", "del", name]).catch(() => {})
  // A cable goes with its namespace.
  for (const name of readdirSync("/sys/class/net").filter((name) => isStale(name) && /n\d+$/.test(name)))
    await ip(["link", "del", name]).catch(() => {})
}

function ip(args) {
  return mustRun(...asRoot("ip", args))
}
