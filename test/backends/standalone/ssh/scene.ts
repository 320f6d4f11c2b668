import type { AgentRecipe, HostEvents, HostState } from "../../../../kernel-ext/backends/standalone/hosts.ts"
import { SshHosts, type SshHostsOptions } from "../../../../kernel-ext/backends/standalone/ssh/ssh-hosts.ts"
import type { BackendError } from "../../../../kernel-ext/errors.ts"

/** A provider, and all it has told. */
export interface Scene extends AsyncDisposable {
  readonly provider: SshHosts
  readonly states: HostState[]
  readonly said: string[]
  readonly events: HostEvents
  /** Starts an agent; resolves with the error where that fails. */
  start(recipe?: AgentRecipe): Promise<BackendError | undefined>
  /** The last that was told of a host. */
  of(name: string): HostState | undefined
}

const never = new AbortController().signal

export function open(options: SshHostsOptions): Scene {
  const provider = new SshHosts(options)
  const states: HostState[] = []
  const said: string[] = []
  const events = { host: (state: HostState) => states.push(state), say: (text: string) => said.push(text) }
  return {
    provider,
    states,
    said,
    events,
    start: (recipe = smallAgent()) =>
      provider.start(recipe, events, never).then(
        () => undefined,
        (error) => error,
      ),
    of: (name) => states.findLast((state) => state.name === name),
    [Symbol.asyncDispose]: () => provider.close(),
  }
}

/** A program that is started, lives and ends as agents do, and does nothing between. */
export function smallAgent(more: Partial<AgentRecipe> = {}): AgentRecipe {
  const code = `
import { readFileSync, statSync } from "node:fs"
const [file] = process.argv.slice(2)
console.error("config", readFileSync(file, "utf8").trim(), (statSync(file).mode & 0o777).toString(8))
process.on("SIGTERM", () => {
  console.error("draining")
  setTimeout(() => process.exit(0), 50)
})
setInterval(() => {}, 1000)
`
  return {
    pool: "test-pool",
    code: Buffer.from(code),
    hash: "0123456789abcdef0123456789abcdef",
    node: "^20.19 || >=22.12",
    config: ({ name }) => JSON.stringify({ host: name, secret: "it's $ecret `x` \\" }),
    ...more,
  }
}

/** Where a host keeps what is brought to it. */
export function folderOf(host: string): string {
  return `~ada/.cache/cellfan/hosts/${host}`
}
