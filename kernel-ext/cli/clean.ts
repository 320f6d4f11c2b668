import { type Configuration, configuration } from "../config/load.ts"
import type { SectionName } from "../config/sections.ts"
import { isServerless, serverlessNames } from "../config/serverless/providers.ts"
import { type StandaloneName, standaloneNames } from "../config/standalone/providers.ts"
import { storageBackend } from "../config/storage.ts"
import { ConfigError, StorageError } from "../errors.ts"
import { cleanConfiguredStorage } from "../executors/clean.ts"
import { machines } from "../executors/machines.ts"
import { tellCleaned } from "../storage/temporary.ts"
import { withBackend } from "./runtime.ts"

/** `cellfan clean`: all that cellfan has left where the configuration names a place: storage, functions, machines. */

interface Place {
  readonly what: string
  clean(say: (text: string) => void): Promise<void>
}

/** One place after the other: where one fails, the others are cleaned all the same. Resolves with what went wrong. */
export async function clean(say: (text: string) => void): Promise<readonly string[]> {
  const configured = configuration()
  const kinds = machinesOf(configured)
  const places = [storage, ...(usesFunctions(configured, kinds) ? [functions] : []), ...kinds.map(machinesOn)]
  const problems: string[] = []
  for (const place of places)
    await place.clean(say).catch((error: Error) => {
      problems.push(`${place.what} could not be cleaned: ${error.message}`)
    })
  if (!kinds.includes("aws_ec2"))
    say("EC2 was not looked at, since the configuration does not name it: `cellfan vm clean` does.")
  return problems
}

const storage: Place = {
  what: "The configured storage",
  async clean(say) {
    const configured = configuration()
    try {
      say(`In the configured storage: deleted ${tellCleaned(await cleanConfiguredStorage("all"))}.`)
    } catch (error) {
      const isUnknown =
        error instanceof ConfigError || (error instanceof StorageError && error.kind === "setup")
      // The one beside the functions, of which nobody said anything: jobs do without as well.
      if (!isUnknown || configured.mentions(storageBackend(configured) as SectionName)) throw error
      say("No storage is configured.")
    }
  },
}

const functions: Place = {
  what: "The functions",
  clean: (say) =>
    withBackend(async (backend) => {
      const { length } = await backend.removeAll()
      say(`Deleted ${length} function${length === 1 ? "" : "s"} from ${backend.platform.title}.`)
      say(`In the storage of its jobs: deleted ${tellCleaned(await backend.cleanStorage("all"))}.`)
    }),
}

function machinesOn(kind: StandaloneName): Place {
  return {
    what: `The machines of ${kind}`,
    async clean(say) {
      const settings = { pool: "default", minHosts: 1, workersPerHost: undefined }
      const provider = machines[kind]?.(configuration(), {}, settings, "cellfan clean").provider
      try {
        const gone = (await provider?.clean("all")) ?? []
        say(gone.length === 0 ? `There was nothing on ${kind}.` : `Gave back on ${kind}: ${gone.join(", ")}.`)
      } finally {
        await provider?.close()
      }
    },
  }
}

/** Kinds of machines that are configured, and that are somebody's to give back. */
function machinesOf(configured: Configuration): StandaloneName[] {
  const { backend } = configured.section("cellfan")
  return standaloneNames.filter(
    (kind) => machines[kind] !== undefined && (backend === kind || configured.mentions(kind as "ssh")),
  )
}

/** Amazon Lambda is what is meant where nothing is configured. */
function usesFunctions(configured: Configuration, kinds: readonly StandaloneName[]): boolean {
  const isConfigured = serverlessNames.some((name) => configured.mentions(name))
  return isConfigured || isServerless(configured.section("cellfan").backend) || kinds.length === 0
}
