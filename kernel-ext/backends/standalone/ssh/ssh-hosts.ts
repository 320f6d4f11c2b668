import { access } from "node:fs/promises"
import { type BackendError, ConfigError } from "../../../errors.ts"
import type { AgentRecipe, HeadRecipe, HostEvents, HostProvider, HostState, QueueAddress } from "../hosts.ts"
import { nodeOn, startAgent } from "./agent.ts"
import { sshError } from "./errors.ts"
import { addressOf, type Head, headOn, leadTo, startHead } from "./head.ts"
import { addressHere, endHeadHere, startHeadHere } from "./head-here.ts"
import { endPrograms, removeUnused } from "./processes.ts"
import { atHome, type SettingsSources } from "./settings.ts"
import { type Link, SshHost } from "./ssh-host.ts"
import { parseTargets, readHostsFile } from "./targets.ts"
import { Tunnels } from "./tunnels.ts"
import { Ways } from "./ways.ts"

/**
 * Hosts of a private cluster, by SSH. Nothing has to be installed on them.
 *
 * - ssh-hosts.ts (this file)       all hosts: what the backend asks for
 * - ssh-host.ts                    one host: its connection, which is mended, and what is kept up there
 * - targets.ts, settings.ts        how people name hosts; what ssh_config says of them
 * - known-hosts.ts, host-key.ts    whether a host is the one it should be
 * - identities.ts                  keys that it is offered
 * - ways.ts, connection.ts         straight or through others; one connection, and why there is none (connect-error.ts)
 * - survey.ts                      what a host is and has
 * - own-node.ts, upload.ts         what is brought there
 * - processes.ts, shell.ts         programs there that outlive the connection; scripts that do so
 * - agent.ts                       the agent
 * - head.ts, tunnels.ts            the queue's server on one of them, and the ways to it
 * - head-here.ts                   the same on this machine
 *
 * All that is written on a host stands in ~/.cache/cellfan/hosts/HOST (or, where that cannot be, in /var/tmp/cellfan-UID):
 *
 *     agents/cellfan-agent-HASH.mjs
 *     node/VERSION-HASH/node           where the host had none
 *     pools/POOL/agent-HASH.json, .pid, .log
 *     pools/POOL/head/                 the queue's server and its data, on one host
 */
export interface SshHostsOptions extends SettingsSources {
  /** "a", "user@b:2222", aliases of ssh_config; several may stand in one, with commas between. */
  readonly hosts?: readonly string[] | undefined
  /** A file with further ones, one a line. */
  readonly hostsFile?: string | undefined
  /** How many must come up (default: 1). */
  readonly minHosts?: number | undefined
  /** Where the queue's server runs: on the first host (default), or on this machine. */
  readonly head?: "first" | "here" | undefined
}

/** What an agent that is told to end may take to do so before it is ended. */
const endWithinS = 5

export class SshHosts implements HostProvider {
  readonly name = "ssh"
  readonly #options: SshHostsOptions
  readonly #ways: Ways
  readonly #tunnels = new Tunnels()
  readonly #pools = new Set<string>()
  #all: Promise<readonly SshHost[]> | undefined
  #list: readonly SshHost[] = []
  #head: Head | undefined
  #isClosed = false
  #events: HostEvents = { host: () => {}, say: () => {} }

  constructor({ hostsFile, sshConfigFile, sshKeyFile, ...others }: SshHostsOptions) {
    const at = (path: string | undefined) => (path === undefined ? undefined : atHome(path))
    const files = { hostsFile: at(hostsFile), sshConfigFile: at(sshConfigFile), sshKeyFile: at(sshKeyFile) }
    this.#options = { ...others, ...files }
    this.#ways = new Ways(this.#options)
  }

  get hosts(): readonly HostState[] {
    return this.#list.map(({ state }) => state)
  }

  /** Who they are. @throws ConfigError where a name is none, or nobody is named. */
  async #hosts(): Promise<readonly SshHost[]> {
    this.#all ??= this.#read()
    return this.#all
  }

  async #read(): Promise<readonly SshHost[]> {
    const { hosts = [], hostsFile, minHosts = 1, sshKeyFile } = this.#options
    if (sshKeyFile !== undefined)
      await access(sshKeyFile).catch((cause: Error) => {
        throw new ConfigError(
          `sshKeyFile ${sshKeyFile} cannot be read: ${cause.message}. It takes the path of a private key.`,
          {
            key: "sshKeyFile",
            cause,
          },
        )
      })
    const targets = parseTargets([
      ...hosts,
      ...(hostsFile === undefined ? [] : await readHostsFile(hostsFile)),
    ])
    if (targets.length === 0)
      throw new ConfigError(
        "Backend ssh needs hosts: set option `hosts` (--hosts a,user@b:2222,c; names of ~/.ssh/config will do) or `hostsFile`.",
        { key: "hosts" },
      )
    if (minHosts > targets.length)
      throw new ConfigError(`Option \`minHosts\` is ${minHosts}, and \`hosts\` has ${targets.length}.`, {
        key: "minHosts",
      })
    this.#list = targets.map((target) => {
      const told = {
        host: (state: HostState) => this.#events.host(state),
        say: (text: string) => this.#events.say(text),
      }
      return new SshHost(target, this.#options, this.#ways, told)
    })
    return this.#list
  }

  async start(agent: AgentRecipe, events: HostEvents, signal: AbortSignal): Promise<void> {
    this.#events = events
    this.#pools.add(agent.pool)
    const hosts = await this.#hosts()
    const needed = this.#options.minHosts ?? 1
    const attempts = hosts.map((host) => this.#startOn(host, agent, signal))
    await enough(attempts, needed, (reasons) => {
      if (signal.aborted) return signal.reason
      if (this.#isClosed) return sshError("other", "The backend ssh was closed.")
      const came = `${hosts.length - reasons.length} came up, and ${needed} ${needed === 1 ? "is" : "are"} needed`
      const why = reasons.map(({ message }) => `- ${message}`).join("\n")
      return sshError(
        "unavailable",
        `Of ${count(hosts.length, "host")}, ${came} (option \`minHosts\`):\n${why}`,
      )
    })
  }

  async #startOn(host: SshHost, agent: AgentRecipe, signal: AbortSignal): Promise<void> {
    const beganMs = Date.now()
    const say = (text: string) => this.#events.say(text)
    if (host.state.state !== "running") host.tell("pending")
    try {
      let line = ""
      await host.keep(
        `agent ${agent.pool}`,
        async (link) => {
          const node = await nodeOn(link, say)
          if (this.#head !== undefined) await leadTo(this.#head, link, node, this.#tunnels, say)
          const state = await startAgent(link, agent, node)
          line = `${host.name}: ${state === "running" ? "its agent runs already" : `ready in ${((Date.now() - beganMs) / 1000).toFixed(1)} s`}, ${count(link.there.processors, "processor")}`
        },
        signal,
      )
      host.tell("running")
      say(line)
    } catch (error) {
      if (signal.aborted || this.#isClosed) throw error
      host.failed(error)
      say(`${host.name} is left out. ${(error as Error).message}`)
      throw error
    }
  }

  async head(recipe: HeadRecipe, events: HostEvents, signal: AbortSignal): Promise<QueueAddress> {
    this.#events = events
    this.#pools.add(recipe.pool)
    const [host] = await this.#hosts()
    if (this.#options.head === "here") {
      this.#head = await startHeadHere(recipe)
      return addressHere(this.#head)
    }
    if (host === undefined) throw new Error("There is no host.")
    host.tell("pending")
    let found: { link: Link; port: number } | undefined
    try {
      await host.keep(
        `head ${recipe.pool}`,
        async (link) => {
          found = { link, port: await startHead(link, recipe) }
        },
        signal,
      )
    } catch (error) {
      signal.throwIfAborted()
      host.failed(error)
      const { kind = "other", message } = error as BackendError
      const way = "To have another one do so, name it first"
      throw sshError(
        kind,
        `The first host runs the queue's server, and ${message}\n${way}, or give the address of your own NATS by the option \`nats\`.`,
        error,
      )
    }
    const { link, port } = found as unknown as { link: Link; port: number }
    this.#head = headOn(host, link, port)
    return addressOf(this.#head, link, this.#tunnels)
  }

  async clean(scope: "own" | "all"): Promise<readonly string[]> {
    const hosts = await this.#hosts()
    const results = await Promise.allSettled(
      hosts.map((host) => host.visit((link) => this.#cleanHost(link, scope))),
    )
    const failed = results.flatMap((result) => (result.status === "rejected" ? [result.reason as Error] : []))
    if (failed.length > 0)
      throw sshError(
        "unavailable",
        `${count(failed.length, "host")} of ${hosts.length} could not be cleaned; run it again when they can be reached:\n${failed.map(({ message }) => `- ${message}`).join("\n")}`,
        failed[0],
      )
    const gone = results.flatMap((result) => (result.status === "fulfilled" ? result.value : []))
    const pools = scope === "all" ? ["*"] : this.#options.head === "here" ? [...this.#pools] : []
    return [...gone, ...(await endHeadHere(pools, endWithinS))]
  }

  async #cleanHost({ connection, there }: Link, scope: "own" | "all"): Promise<string[]> {
    const { name } = connection.settings
    const ended: string[] = []
    for (const pool of scope === "all" ? ["*"] : this.#pools)
      ended.push(...(await endPrograms(connection, `${there.folder}/pools`, pool, endWithinS)))
    const isEmpty = await removeUnused(connection, there.folder)
    return [
      ...ended.map((program) => `${name}: ended ${program}`),
      ...(isEmpty ? [`${name}: removed ${there.folder}`] : []),
    ]
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#tunnels.close()
    await Promise.all(this.#list.map((host) => host.close()))
    await this.#ways.close()
  }
}

/** Resolves when so many have. Rejects when they no longer can, with what `fail` makes of the reasons. */
async function enough(
  attempts: readonly Promise<void>[],
  needed: number,
  fail: (reasons: readonly Error[]) => Error,
): Promise<void> {
  let done = 0
  const reasons: Error[] = []
  await new Promise<void>((resolve, reject) => {
    for (const attempt of attempts)
      attempt
        .then(
          () => {
            done++
          },
          (error) => {
            reasons.push(error)
          },
        )
        .then(() => {
          if (done >= needed) resolve()
          else if (done + reasons.length === attempts.length) reject(fail(reasons))
        })
  })
}

function count(n: number, word: string): string {
  return `${n} ${word}${n === 1 ? "" : "s"}`
}
