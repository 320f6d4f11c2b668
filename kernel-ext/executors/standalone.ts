import { BackendLater } from "../backends/later.ts"
import { standaloneFacts } from "../backends/standalone/facts.ts"
import { type QueueAccess, readAccessFile, urlOf } from "../backends/standalone/queue/access.ts"
import { type Configuration, configuration } from "../config/load.ts"
import { type JobOptions, type StandaloneOptions, standaloneOptions } from "../config/schema.ts"
import { poolDefaults } from "../config/standalone/pool.ts"
import {
  isStandalone,
  ownOptions,
  type StandaloneName,
  standaloneNames,
  standaloneSections,
} from "../config/standalone/providers.ts"
import { parseOptions } from "../config/validate.ts"
import { ConfigError } from "../errors.ts"
import { inWords } from "../util/in-words.ts"
import { Executor } from "./executor.ts"
import { machines } from "./machines.ts"
import { filled } from "./platforms/filled.ts"

/**
 * Runs tasks on machines of one's own, many at once, in several processes on each. Jobs outlive the notebook: their tasks wait in a queue
 * on a server, which also keeps the results, and `attach` finds them again from any process.
 *
 * @example
 * ```ts
 * await using fexec = new StandaloneExecutor({ nats: ["nats://queue:4222"] })
 * const lengths = await fexec.map((word: string) => word.length, ["one", "three"])   // [3, 5]
 * ```
 */
export class StandaloneExecutor extends Executor {
  constructor(options?: StandaloneOptions) {
    const given = parseOptions(standaloneOptions, options, "StandaloneExecutor")
    const { backend, defaults } = standalone(given, "StandaloneExecutor")
    super(backend, defaults, {})
  }
}

/** The backend of machines, as options and, for what they leave open, the configuration say. */
export function standalone(
  { backend: named, retries, timeoutMs, memoryMiB, ...given }: StandaloneOptions,
  where: string,
): { readonly backend: BackendLater; readonly defaults: JobOptions } {
  const configured = configuration()
  const name = named ?? chosenBy(given) ?? configuredName(configured)
  refuseOthers(name, given, where)
  const settings = poolSettings(configured, given, where)
  const { pool, minHosts, workersPerHost, idleMs, hardMs, keepMs, replicas, natsServer, access } = settings
  const made = machines[name]?.(configured, given, { pool, minHosts, workersPerHost }, where)
  if (made === undefined && access === undefined) throw noPlace(where)
  const agents = { workersPerHost, idleMs, hardMs }
  const { chunkSize, ...others } = configured.section("cellfan")
  const expectedWorkers = (made?.count ?? 1) * (workersPerHost ?? 1)
  const backend = new BackendLater({ ...standaloneFacts, name, workers: expectedWorkers }, async () => {
    const { StandaloneBackend } = await import("../backends/standalone/standalone.ts")
    return new StandaloneBackend({
      ...{ name, pool, keepMs, replicas, access, expectedWorkers },
      machines: made && { pool, provider: made.provider, agents, access, natsServer },
      // Progress is shown under the notebook's cell, or on a script's stderr: it is no result.
      onProgress: (text) => console.error(text),
    })
  })
  const defaults = {
    ...{ memoryMiB, chunkSize },
    timeoutMs: timeoutMs ?? others.timeoutMs,
    retries: retries ?? others.retries,
  } as JobOptions
  return { backend, defaults }
}

/** @internal Queue and agents, as options and configuration say. */
export function poolSettings(configured: Configuration, given: object, where: string) {
  const shared = Object.fromEntries(
    Object.entries(given).filter(([key]) => key in standaloneSections.standalone.schema.shape),
  )
  const section = filled(configured.section("standalone", shared, where), poolDefaults)
  const { nats, natsUser, natsPassword, natsToken, natsCredentials, natsCaFile, ...settings } = section
  const access: QueueAccess | undefined = nats && {
    servers: nats,
    user: natsUser,
    password: natsPassword?.reveal(),
    token: natsToken?.reveal(),
    credentials: natsCredentials && readAccessFile(natsCredentials, "credentials for NATS"),
    ca: natsCaFile && readAccessFile(natsCaFile, "the authority of NATS' certificate"),
  }
  for (const server of nats ?? []) checkServer(server, where)
  return { ...settings, access }
}

function checkServer(server: string, where: string): void {
  try {
    urlOf(server)
  } catch (cause) {
    throw new ConfigError(`Option \`nats\` of ${where}: ${(cause as Error).message}`, { key: "nats", cause })
  }
}

/** The kind of machines that alone has an option that was given. */
function chosenBy(given: object): StandaloneName | undefined {
  const has = (key: string): boolean => (given as Record<string, unknown>)[key] !== undefined
  return standaloneNames.find((name) => ownOptions[name].some(has)) ?? (has("nats") ? "nats" : undefined)
}

/** The configured backend; or the only kind of machines that the configuration has a section of. */
function configuredName(configured: Configuration): StandaloneName {
  const { backend } = configured.section("cellfan")
  if (isStandalone(backend)) return backend
  const kinds = standaloneNames.filter((name) => name in standaloneSections)
  const [only, another] = kinds.filter((name) => configured.mentions(name as never))
  return only !== undefined && another === undefined ? only : "nats"
}

/** Executors take the options of all kinds of machines: those that only another one has would be lost. */
function refuseOthers(name: StandaloneName, given: object, where: string): void {
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue
    const owners = standaloneNames.filter((other) => ownOptions[other].includes(key))
    if (owners.length === 0 || owners.includes(name)) continue
    throw new ConfigError(
      `${where}: the backend ${name} has no option \`${key}\`; it is one of ${inWords(owners, "and")}.`,
      { key },
    )
  }
}

function noPlace(where: string): ConfigError {
  return new ConfigError(
    `${where} was told of no machines. It takes the servers of your own NATS (\`nats: ["nats://host:4222"]\`, with agents started there by ` +
      "`cellfan worker --nats nats://host:4222`): set it by the option `nats`, the environment variable CELLFAN_STANDALONE_NATS or " +
      "`nats` in the section standalone of the configuration file.",
    { key: "nats" },
  )
}
