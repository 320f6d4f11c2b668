import { type ChildProcess, spawn } from "node:child_process"
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { type Bridge, processesIn, removeNamespace } from "./network.ts"

/** An instance that really runs: namespaces of its own for network, processes and mounts, a metadata service, and its user data. */

export interface InstanceSpec {
  readonly id: string
  readonly address: string
  readonly type: string
  readonly userData: Buffer
  readonly folder: string
  readonly withNode: boolean
  readonly prepare: string
  readonly bootMs: number
  /** The metadata service answers so long after the rest. */
  readonly metadataDelayMs: number
  /** It shut itself down. */
  ended(): void
}

export class Instance {
  readonly id: string
  readonly address: string
  /** When its user data began to run. */
  readonly bootedAtMs: number
  readonly namespace: string
  readonly #bridge: Bridge
  readonly #spec: InstanceSpec
  readonly #folder: string
  readonly #machine: ChildProcess
  readonly #metadata: ChildProcess
  #console = ""
  #log = ""
  #isGone = false

  constructor(bridge: Bridge, spec: InstanceSpec) {
    this.id = spec.id
    this.address = spec.address
    this.namespace = `cf-${spec.id.slice(2, 14)}`
    this.#bridge = bridge
    this.#spec = spec
    this.#folder = join(spec.folder, spec.id)
    this.bootedAtMs = Date.now() + spec.bootMs
    mkdirSync(join(this.#folder, "disk"), { recursive: true })
    writeFileSync(join(this.#folder, "user-data"), spec.userData)
    writeFileSync(join(this.#folder, "prepare"), spec.prepare)
    this.#describe({})
    bridge.plug(this.namespace, spec.address)
    this.#metadata = this.#startMetadata()
    this.#machine = this.#boot()
  }

  /** What its log says. */
  get log(): string {
    this.#read()
    return this.#log
  }

  get console(): string {
    this.#read()
    return this.#console
  }

  /** Two minutes before Amazon takes a spot instance away. */
  notify(time = new Date(Date.now() + 120_000)): void {
    this.#describe({
      "spot/instance-action": JSON.stringify({ action: "terminate", time: time.toISOString() }),
    })
  }

  link(state: "up" | "down"): void {
    this.#bridge.link(this.namespace, state)
  }

  /** Whether it has a root of its own: before, it would be this machine's. */
  get isUp(): boolean {
    try {
      return readlinkSync(`/proc/${this.#init()}/root`) !== "/"
    } catch {
      return false
    }
  }

  /** Runs a script in it as root; it has to be up. Resolves with what it wrote, and its code. */
  run(script: string): Promise<{ readonly output: string; readonly code: number }> {
    const init = this.#init()
    const child = spawn(
      "nsenter",
      [
        "--target",
        String(init),
        "--mount",
        "--pid",
        "--uts",
        "--net",
        "--root",
        "--wd",
        "/bin/bash",
        "--norc",
        "-c",
        script,
      ],
      { stdio: ["ignore", "pipe", "pipe"], env: cleanEnvironment },
    )
    let output = ""
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (text: Buffer) => {
        output += text.toString()
      })
    return new Promise((resolve) => child.on("close", (code) => resolve({ output, code: code ?? -1 })))
  }

  /** As when a machine breaks, or with the time that shutting down gives. */
  async end(how: "cut" | "shut down"): Promise<void> {
    if (this.#isGone) return
    this.#isGone = true
    if (how === "shut down") {
      this.#kill("SIGTERM")
      await sleep(300)
    }
    this.#read()
    for (let round = 0; round < 20 && this.#kill("SIGKILL") > 0; round++) await sleep(25)
    this.#machine.kill("SIGKILL")
    this.#metadata.kill("SIGKILL")
    removeNamespace(this.namespace)
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
  }

  #boot(): ChildProcess {
    const boot = join(import.meta.dirname, "boot.sh")
    const { bootMs, withNode, address } = this.#spec
    const hostname = `ip-${address.replaceAll(".", "-")}`
    const node = withNode ? "with-node" : "without-node"
    const child = spawn(
      "ip",
      [
        ...["netns", "exec", this.namespace, "unshare", "--mount", "--pid", "--uts", "--ipc"],
        ...["--fork", "--kill-child", "bash", "--norc", "--noprofile"],
        ...[boot, this.#folder, hostname, node, String(bootMs / 1000)],
      ],
      { stdio: ["ignore", "ignore", "pipe"], env: cleanEnvironment },
    )
    child.stderr?.on("data", (text: Buffer) => {
      this.#log += text.toString()
    })
    return child
  }

  #startMetadata(): ChildProcess {
    const program = join(import.meta.dirname, "metadata.mjs")
    const delayMs = String(this.#spec.bootMs + this.#spec.metadataDelayMs)
    const child = spawn(
      "ip",
      [
        "netns",
        "exec",
        this.namespace,
        process.execPath,
        program,
        join(this.#folder, "metadata.json"),
        delayMs,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    )
    child.stdout?.on("data", () => this.#spec.ended())
    return child
  }

  #describe(more: Readonly<Record<string, string>>): void {
    const { id, address, type } = this.#spec
    const known = { "instance-id": id, "local-ipv4": address, "instance-type": type, ...more }
    writeFileSync(join(this.#folder, "metadata.json"), JSON.stringify(known))
  }

  /** Its first process, as this machine numbers it. */
  #init(): number {
    // `ip netns exec` becomes unshare, whose child is the instance's first.
    const unshare = this.#machine.pid ?? 0
    const children = readFileSync(`/proc/${unshare}/task/${unshare}/children`, "utf8")
    return Number(children.trim().split(" ")[0])
  }

  #read(): void {
    try {
      if (!this.isUp) return
      const root = `/proc/${this.#init()}/root`
      this.#console = readFileSync(join(root, "dev", "console"), "utf8")
      this.#log = ["cellfan.log", "cloud-init-output.log"]
        .filter((name) => readdirSync(join(root, "var", "log")).includes(name))
        .map((name) => readFileSync(join(root, "var", "log", name), "utf8"))
        .join("\n")
    } catch {
      // It is gone, or not that far: what was read last stays.
    }
  }

  /** How many there were. */
  #kill(signal: NodeJS.Signals): number {
    const pids = processesIn(this.namespace).filter((pid) => pid !== this.#metadata.pid)
    for (const pid of pids)
      try {
        process.kill(pid, signal)
      } catch {
        // It has ended meanwhile.
      }
    return pids.length
  }
}

const cleanEnvironment = {
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
  HOME: "/root",
}
