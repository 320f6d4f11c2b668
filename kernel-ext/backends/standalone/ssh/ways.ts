import { spawn } from "node:child_process"
import { Duplex } from "node:stream"
import type { BackendError } from "../../../errors.ts"
import { Connection } from "./connection.ts"
import { sshError } from "./errors.ts"
import { fillIn, type HostSettings, type SettingsSources, settingsOf } from "./settings.ts"
import type { Target } from "./targets.ts"

/** How hosts are reached: straight, by a command (ProxyCommand), or through others (ProxyJump), whose connections they share. */

export class Ways {
  readonly #sources: SettingsSources
  readonly #jumps = new Map<string, Promise<Connection>>()

  /** @param sources Those of jump hosts: a user or key of one's own choice is not for them. */
  constructor({ sshConfigFile }: SettingsSources) {
    this.#sources = { sshConfigFile }
  }

  /** @param behind Hosts that wait for this one, each reached through the next. */
  async connect(
    settings: HostSettings,
    signal: AbortSignal,
    behind: readonly string[] = [],
  ): Promise<Connection> {
    const place = `${settings.host}:${settings.port}`
    if (behind.includes(place))
      throw sshError("setup", `${settings.name} is to be reached through itself: ProxyJump goes in a circle`)
    if (settings.jumps.length > 0) return this.#through(settings, signal, [...behind, place])
    const { proxyCommand } = settings
    if (proxyCommand === undefined) return Connection.open(settings, signal)
    const { stream, said } = byCommand(fillIn(proxyCommand, { alias: settings.name, ...settings }))
    try {
      return await Connection.open(settings, signal, stream)
    } catch (error) {
      if ((error as BackendError).kind !== "network") throw error
      const words = said()
      throw sshError(
        "network",
        `${(error as Error).message} Its ProxyCommand is: ${proxyCommand}.${words && ` That says: ${words}`}`,
        error,
      )
    }
  }

  async #through(
    settings: HostSettings,
    signal: AbortSignal,
    behind: readonly string[],
  ): Promise<Connection> {
    const names = settings.jumps.map(({ name }) => name).join(",")
    try {
      const jump = await this.#jump(settings.jumps, signal, behind)
      return await Connection.open(settings, signal, await jump.reach(settings.host, settings.port))
    } catch (error) {
      if (signal.aborted || (error as BackendError).kind !== "network") throw error
      throw sshError(
        "network",
        `${settings.name} is reached through ${names}: ${(error as Error).message}`,
        error,
      )
    }
  }

  /** The connection to the last of a chain. */
  async #jump(chain: readonly Target[], signal: AbortSignal, behind: readonly string[]): Promise<Connection> {
    const key = JSON.stringify(chain)
    const open = this.#jumps.get(key) ?? this.#openJump(chain, signal, behind)
    this.#jumps.set(key, open)
    const forget = () => this.#jumps.get(key) === open && this.#jumps.delete(key)
    open.then(({ closed }) => closed.then(forget), forget)
    return open
  }

  async #openJump(
    chain: readonly Target[],
    signal: AbortSignal,
    behind: readonly string[],
  ): Promise<Connection> {
    const last = chain.at(-1) as Target
    const settings = await settingsOf(last, this.#sources)
    const before = chain.slice(0, -1)
    return this.connect(before.length > 0 ? { ...settings, jumps: before } : settings, signal, behind)
  }

  async close(): Promise<void> {
    for (const jump of this.#jumps.values())
      await jump.then((connection) => connection.close()).catch(() => {})
    this.#jumps.clear()
  }
}

function byCommand(command: string): { stream: Duplex; said: () => string } {
  const child = spawn(command, { shell: true, stdio: "pipe" })
  let text = ""
  child.stderr.setEncoding("utf8").on("data", (more: string) => {
    text = (text + more).slice(-500)
  })
  for (const pipe of [child.stdin, child.stdout, child]) pipe.on("error", () => {})
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin })
  // Whoever uses it is told; it may break once more after that.
  stream.on("error", () => {})
  stream.on("close", () => child.kill())
  return { stream, said: () => text.trim() }
}
