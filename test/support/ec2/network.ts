import { execFileSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { findProgram } from "../needs.ts"

/** A network of the test's own: a bridge that instances are plugged into. Needs root and Linux. */

export const namespaces = {
  what: "root on Linux with ip, unshare and overlay mounts (apt-get install iproute2 util-linux curl)",
  find(): true | undefined {
    if (process.platform !== "linux" || process.getuid?.() !== 0) return undefined
    if (["ip", "unshare", "curl", "runuser", "useradd", "setsid"].some((name) => !findProgram(name)))
      return undefined
    try {
      // A sandbox may have all of it and still refuse.
      execFileSync("unshare", ["--mount", "--pid", "--net", "--fork", "true"], { stdio: "ignore" })
      return true
    } catch {
      return undefined
    }
  },
}

export class Bridge {
  readonly name = `cf${randomBytes(4).toString("hex")}`
  /** "10.90.7". */
  readonly prefix: string
  /** Of this machine on it. */
  readonly address: string
  readonly cidr: string

  constructor() {
    for (let tries = 0; ; tries++) {
      const [a = 0, b = 0] = randomBytes(2)
      this.prefix = `10.${64 + (a % 128)}.${b}`
      this.address = `${this.prefix}.1`
      this.cidr = `${this.prefix}.0/24`
      // Another test may be there already.
      if (!execFileSync("ip", ["route"], { encoding: "utf8" }).includes(this.prefix) || tries > 20) break
    }
    ip("link", "add", this.name, "type", "bridge")
    ip("addr", "add", `${this.address}/24`, "dev", this.name)
    ip("link", "set", this.name, "up")
  }

  /** A namespace with an address on the bridge. */
  plug(namespace: string, address: string): void {
    const outside = `v${namespace.slice(-12)}`
    ip("netns", "add", namespace)
    ip("link", "add", outside, "type", "veth", "peer", "name", "eth0", "netns", namespace)
    ip("link", "set", outside, "master", this.name, "up")
    const within = (...args: string[]) => ip("-n", namespace, ...args)
    within("link", "set", "lo", "up")
    within("addr", "add", "169.254.169.254/32", "dev", "lo")
    within("addr", "add", `${address}/24`, "dev", "eth0")
    within("link", "set", "eth0", "up")
    within("route", "add", "default", "via", this.address)
  }

  /** Cuts or mends an instance's link. */
  link(namespace: string, state: "up" | "down"): void {
    ip("link", "set", `v${namespace.slice(-12)}`, state)
  }

  remove(): void {
    ip("link", "del", this.name)
  }
}

export function removeNamespace(namespace: string): void {
  ip("netns", "del", namespace)
}

/** Ids of processes that use a namespace's network. */
export function processesIn(namespace: string): number[] {
  const pids = execFileSync("ip", ["netns", "pids", namespace], { encoding: "utf8" })
  return pids.split("\n").filter(Boolean).map(Number)
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] })
}
