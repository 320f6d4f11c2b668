import type { BackendErrorKind } from "../../errors.ts"

/**
 * Where agents run: hosts by SSH, instances on EC2, or machines that somebody else starts. A provider brings machines up and
 * starts what it is given there; everything else (queue, tasks, leases, results) is the standalone backend's, which knows
 * machines only by this file.
 *
 *     backend                                    provider
 *      │ head(HeadRecipe)    if no server is named │ starts nats-server on one of its machines
 *      │ ←──────────────────────── QueueAddress ── │
 *      │ start(AgentRecipe) ─────────────────────→ │ machines up, Node there, agent's file and configuration there, agent started
 *      │ ←───────────── host(HostState), say(text) │ as it happens
 *
 * Agents dial out to the queue's server. That one is heard of is how the backend knows that a host works: providers
 * need no way to it for that.
 */
export interface HostProvider {
  /** The backend's name, as in options and messages: "ssh", "aws_ec2". */
  readonly name: string
  /** All hosts it ever told of, as it last told of them. */
  readonly hosts: readonly HostState[]
  /**
   * Brings hosts up and starts the agent on each. Resolves when so many as it needs (its own `minHosts`) have it started;
   * the others go on by themselves. Hosts that fail are told through `events` and left out. Can be called again: starts
   * only what is missing, and an agent of the same hash and pool that runs already is left alone.
   *
   * @throws BackendError where fewer than needed can be had; its message says of each host why.
   */
  start(agent: AgentRecipe, events: HostEvents, signal: AbortSignal): Promise<void>
  /**
   * Runs the queue's server on a machine of its own, and says how it is reached. Idempotent: one that runs already for this
   * pool is found again, and so is its data. Absent where no machine of it can: then servers have to be named.
   */
  head?(recipe: HeadRecipe, events: HostEvents, signal: AbortSignal): Promise<QueueAddress>
  /** Ends agents and gives back machines: those of this pool, or all that cellfan has ever made. Says what it gave back. */
  clean(scope: "own" | "all"): Promise<readonly string[]>
  /** Lets go of connections; what runs on hosts goes on, and ends itself when it is idle. Idempotent. */
  close(): Promise<void>
}

/** What providers tell as it happens. */
export interface HostEvents {
  /** A host is new, or what is known of it has changed. */
  host(state: HostState): void
  /** One line for the person who waits. */
  say(text: string): void
}

export interface HostState {
  /** As people call it, and as its agent is configured: "user@b:2222", "i-0abc". */
  readonly name: string
  /**
   * pending: being made or connected to. running: the agent was started. draining: no new tasks, because it ends soon.
   * lost: was there, and is not. failed: never came up. (That a host's agent is heard of, the backend adds by itself.)
   */
  readonly state: "pending" | "running" | "draining" | "lost" | "failed"
  /** Why, in words; for draining, lost and failed. */
  readonly reason?: string
  /** For programs, of failed. */
  readonly kind?: BackendErrorKind
  /** It runs the queue's server, and no agent. */
  readonly isHead?: boolean
  /** What it costs while it exists. */
  readonly usdPerHour?: number
  /** When it began to cost, in ms since 1970. */
  readonly sinceMs?: number
}

/** An agent, ready to be started on any number of hosts: `node FILE CONFIG`. */
export interface AgentRecipe {
  /** Pool it works for: names its files, processes and tags. */
  readonly pool: string
  /** The agent's file: an ES module without dependencies, which the host keeps as, say, cellfan-agent-HASH.mjs. */
  readonly code: Uint8Array
  /** Of the file, in hex: equal hash, equal agent. */
  readonly hash: string
  /** Node.js that it takes, as a range of semver. Node is found on the host, else brought there. */
  readonly node: "^20.19 || >=22.12"
  /**
   * The configuration for one host, as the text of a file that only its owner may read (mode 600): it holds credentials. The agent gets the file's
   * path as its only argument. It runs in the foreground, logs to stderr, and ends by itself: with code 0 after SIGTERM (it
   * drains first), when idle for long or at its limit.
   */
  config(host: AgentHost): string
}

export interface AgentHost {
  /** Name of the host; that of its `HostState`. */
  readonly name: string
  /** Worker processes (default: one for each processor that the agent may use, fewer where memory is short). */
  readonly workers?: number
  /**
   * What the agent runs when it ends by itself (idle, or at its limit), as program and arguments: ["sudo", "-n", "shutdown", "-h", "now"] ends
   * an instance.
   */
  readonly atEnd?: readonly string[]
  /** Where the agent asks whether the machine is about to be taken away: Amazon's metadata service. */
  readonly notices?: "aws"
}

/** The queue's server, ready to be started on one host: `FOLDER/nats-server -c FOLDER/nats.conf`. */
export interface HeadRecipe {
  readonly pool: string
  /** nats-server for that machine: a file of this one, which the provider copies. */
  server(platform: "linux-x64" | "linux-arm64"): Promise<string>
  /** What else stands in the folder, by name: configuration, certificate and key. Each for its owner alone (mode 600). */
  files(place: HeadPlace): Readonly<Record<string, string>>
}

export interface HeadPlace {
  /** Absolute path of the folder on that machine; the server keeps its data in it. */
  readonly folder: string
  readonly port: number
  /** Names and addresses by which it will be called: its certificate holds for these. */
  readonly addresses: readonly string[]
  /** Its only address, where others are not to reach it. Default: all that the machine has. */
  readonly listenAt?: string
}

/** How the queue's server is reached, as "tls://host:port". */
export interface QueueAddress {
  readonly agents: readonly string[]
  /** By this process; a tunnel's local end where there is no straight way. */
  readonly kernel: readonly string[]
}
