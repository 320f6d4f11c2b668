import { setTimeout as sleep } from "node:timers/promises"
import type { BackendError } from "../../../errors.ts"
import type { HostState } from "../hosts.ts"
import type { Connection } from "./connection.ts"
import { type SettingsSources, settingsOf } from "./settings.ts"
import { type Survey, survey } from "./survey.ts"
import type { Target } from "./targets.ts"
import type { Ways } from "./ways.ts"

/** One host: the connection to it, which is mended when it breaks, and what is to be done on it each time it stands. */

export interface Link {
  readonly connection: Connection
  readonly there: Survey
}

/** Done once, and again whenever the host was away: it may have been started anew meanwhile. */
export type Duty = (link: Link) => Promise<void>

export interface HostTold {
  host(state: HostState): void
  say(text: string): void
}

/** An agent goes on without a connection: only after so long is the host said to be lost. */
const lostAfterMs = 20_000
const firstWaitMs = 500
const longestWaitMs = 5000

export class SshHost {
  readonly name: string
  readonly #target: Target
  readonly #sources: SettingsSources
  readonly #ways: Ways
  readonly #told: HostTold
  readonly #duties = new Map<string, Duty>()
  readonly #end = new AbortController()
  #link: Promise<Link> | undefined
  #session: number | undefined
  #state: HostState

  constructor(target: Target, sources: SettingsSources, ways: Ways, told: HostTold) {
    this.name = target.name
    this.#target = target
    this.#sources = sources
    this.#ways = ways
    this.#told = told
    this.#state = { name: target.name, state: "pending" }
  }

  get state(): HostState {
    return this.#state
  }

  tell(state: HostState["state"], why: Pick<HostState, "reason" | "kind"> = {}): void {
    this.#state = { name: this.name, state, ...why }
    this.#told.host(this.#state)
  }

  failed(error: unknown): void {
    const { message, kind } = error as BackendError
    this.tell("failed", { reason: message, ...(kind !== undefined && { kind }) })
  }

  /** Does this now, and whenever the connection was lost and stands again. */
  async keep(name: string, duty: Duty, signal: AbortSignal): Promise<void> {
    const link = await this.link(signal)
    await duty(link)
    this.#duties.set(name, duty)
  }

  /** The connection, made where there is none. */
  async link(signal: AbortSignal): Promise<Link> {
    const open = this.#link ?? this.#open(AbortSignal.any([signal, this.#end.signal]))
    this.#link = open
    try {
      return await open
    } catch (error) {
      if (this.#link === open) this.#link = undefined
      throw error
    }
  }

  async #open(signal: AbortSignal): Promise<Link> {
    const settings = await settingsOf(this.#target, this.#sources)
    const connection = await this.#ways.connect(settings, signal)
    try {
      const link = { connection, there: await survey(connection) }
      await this.#endOldSession(link)
      this.#watch(link)
      return link
    } catch (error) {
      connection.close()
      throw error
    }
  }

  /** The host may not know for hours that a connection is dead, and its tunnels hold their ports as long. */
  async #endOldSession({ connection, there }: Link): Promise<void> {
    const old = this.#session
    this.#session = there.session
    if (old === undefined || old === there.session) return
    await connection.script(
      "end its old connection",
      `case "$(ps -o args= -p ${old} 2>/dev/null)" in *sshd*) kill ${old};; esac; exit 0`,
    )
  }

  #watch({ connection }: Link): void {
    connection.closed.then((reason) => {
      this.#link = undefined
      if (this.#end.signal.aborted || this.#duties.size === 0) return
      this.#told.say(
        `${this.name}: the connection was lost (${reason}); what runs there goes on, and cellfan connects again`,
      )
      this.#mend(reason, Date.now()).catch(() => {})
    })
  }

  async #mend(reason: string, sinceMs: number): Promise<void> {
    const { signal } = this.#end
    for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
      await sleep(waitMs, undefined, { signal, ref: false })
      try {
        const link = await this.link(signal)
        for (const duty of this.#duties.values()) await duty(link)
        this.#told.say(`${this.name}: connected again after ${Math.round((Date.now() - sinceMs) / 1000)} s`)
        if (this.#state.state === "lost") this.tell("running")
        return
      } catch (error) {
        if (signal.aborted) return
        // Another key, or no way in any more: no waiting mends that.
        const isHopeless = !(error as BackendError).retryable
        if (isHopeless || (this.#state.state !== "lost" && Date.now() - sinceMs > lostAfterMs))
          this.tell("lost", {
            reason: isHopeless ? (error as Error).message : `${reason}. ${(error as Error).message}`,
          })
        if (isHopeless) return
      }
    }
  }

  /** What runs there goes on. */
  async close(): Promise<void> {
    this.#end.abort(new Error("cellfan lets go of its hosts"))
    await this.disconnect()
  }

  async disconnect(): Promise<void> {
    const link = await this.#link?.catch(() => undefined)
    this.#link = undefined
    link?.connection.close()
    await link?.connection.closed
  }

  /** A connection for one piece of work, which stays closed after it where the host was let go of. */
  async visit<T>(work: (link: Link) => Promise<T>): Promise<T> {
    if (!this.#end.signal.aborted) return work(await this.link(this.#end.signal))
    const settings = await settingsOf(this.#target, this.#sources)
    const connection = await this.#ways.connect(settings, AbortSignal.timeout(60_000))
    try {
      return await work({ connection, there: await survey(connection) })
    } finally {
      connection.close()
      await connection.closed
    }
  }
}
