import { readFileSync } from "node:fs"
import { join } from "node:path"
import { ConfigError } from "../errors.ts"
import type { StorageDescription } from "../protocol/storage.ts"
import type { Configuration } from "./load.ts"
import type { Secret } from "./secret.ts"

/** What a section says of a storage, as what a worker makes it from: plain data. Files are read, since workers elsewhere have none. */

type Section = Readonly<Record<string, unknown>>
type Described = Pick<StorageDescription, "options" | "secrets">

interface Around {
  readonly backend: string
  readonly configured: Configuration
}

export function describeFiles({ storageRoot }: Section, { configured }: Around): Described {
  return { options: { root: storageRoot ?? join(configured.home, ".cellfan", "storage") } }
}

export function describeS3(section: Section, { backend }: Around): Described {
  const { region, endpoint, caFile, profile, accessKeyId } = section
  const address = endpoint ?? endpointOf(backend, region as string | undefined)
  const pathStyle = section.pathStyle ?? (address !== undefined ? true : undefined)
  const secretAccessKey = (section.secretAccessKey as Secret | undefined)?.reveal()
  const sessionToken = (section.sessionToken as Secret | undefined)?.reveal()
  const secrets = without({ accessKeyId, secretAccessKey, sessionToken }) as Record<string, string>
  return {
    options: without({ region, endpoint: address, pathStyle, authority: authorityIn(caFile), profile }),
    ...(secretAccessKey !== undefined && { secrets }),
  }
}

export function describeGcs(section: Section): Described {
  const { region, project, endpoint, caFile, credentialsFile } = section
  const credentials = credentialsIn(credentialsFile)
  return {
    options: without({ region, project, endpoint, authority: authorityIn(caFile) }),
    ...(credentials !== undefined && { secrets: { credentials } }),
  }
}

/** What people write around certificates does not travel. */
function authorityIn(caFile: unknown): string | undefined {
  if (typeof caFile !== "string") return undefined
  const text = textOf("caFile", caFile)
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
  if (certificates !== null) return certificates.join("\n")
  throw new ConfigError(
    `Option \`caFile\`: ${caFile} holds no certificate; it takes a PEM file, with "-----BEGIN CERTIFICATE-----".`,
    { key: "caFile" },
  )
}

/** @throws ConfigError where it is no key of Google's. Says nothing of what is in it. */
export function credentialsIn(file: unknown): string | undefined {
  if (typeof file !== "string") return undefined
  const text = textOf("credentialsFile", file)
  try {
    const { type } = JSON.parse(text) as { type?: unknown }
    if (typeof type === "string") return text
  } catch {
    // Told below.
  }
  throw new ConfigError(
    `Option \`credentialsFile\`: ${file} holds no credentials of Google's; it takes the JSON key of a service account, with its "type".`,
    { key: "credentialsFile" },
  )
}

function textOf(option: string, file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch (cause) {
    throw new ConfigError(`Option \`${option}\`: ${file} cannot be read: ${(cause as Error).message}.`, {
      key: option,
      cause,
    })
  }
}

function endpointOf(backend: string, region: string | undefined): string | undefined {
  if (backend === "aws_s3") return undefined
  if (backend === "ibm_cos" && region !== undefined)
    return `https://s3.${region}.cloud-object-storage.appdomain.cloud`
  const what = backend === "ibm_cos" ? "`region` or `endpoint`" : "`endpoint`, the URL it is reached at"
  throw new ConfigError(`Storage on ${backend} needs ${what}: set it in the section ${backend}.`, {
    key: "endpoint",
  })
}

function without(values: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}
