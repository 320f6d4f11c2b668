import { createHash } from "node:crypto"
import { readFileSync, statSync } from "node:fs"
import { isBuiltin } from "node:module"
import { lockfileOf, packageName, versionOf } from "../capture/packages.ts"
import type { Shipment } from "../capture/types.ts"
import { cellfanVersion } from "../util/version.ts"
import { hashOfValues } from "./fingerprint.ts"
import type { JobCore } from "./job-core.ts"

/**
 * What a job's results depend on, in a few hundred bytes of JSON: saved with a notebook, it says later whether the same was
 * computed again. Hashes are 32 hex digits of SHA-256.
 */
export interface JobManifest {
  readonly version: 1
  readonly jobId: string
  readonly name: string
  /** "LocalhostExecutor", … */
  readonly executor: string
  readonly backend: string
  readonly tasks: number
  readonly seed: number
  /** Of the function's code and the values it captured. */
  readonly codeHash: string
  /** Of the inputs in their order; null where an iterable's were not kept, or they are too many to be hashed in passing. */
  readonly inputsHash: string | null
  /** Of the results in the order of the inputs; null until all are done, or where they are too many. */
  readonly resultsHash: string | null
  /** Npm packages that the function imports, with their versions. */
  readonly packages: Readonly<Record<string, string>>
  /** Of the lockfile that holds for them; null where there is none. */
  readonly lockHash: string | null
  readonly versions: {
    readonly cellfan: string
    readonly node: string
    /** "linux-x64", … */
    readonly platform: string
  }
}

/**
 * Hashing goes on while everything else waits, at 10 µs an object: up to seconds for whoever asks for it, and some
 * milliseconds where nobody did, each time a job ends.
 */
const limits = {
  whole: { bytes: 16 * 1024 * 1024, tasks: 100_000 },
  brief: { bytes: 32 * 1024, tasks: 10_000 },
}

export interface ManifestOptions {
  /** Leaves out the hashes of inputs and of results of more than 32 kB. Default: false. */
  readonly brief?: boolean
}

export function manifestOf(
  core: JobCore,
  place: { executor: string; backend: string },
  { brief = false }: ManifestOptions = {},
): JobManifest {
  const { captured, options, inputs, counts, table } = core
  const { shipment, codec } = captured
  const most = brief ? limits.brief : limits.whole
  const small = table.size <= most.tasks
  return {
    version: 1,
    jobId: core.id,
    name: core.name,
    executor: place.executor,
    backend: place.backend,
    tasks: table.size,
    seed: options.seed,
    codeHash: shipment.hash,
    inputsHash:
      small && core.bytesIn <= most.bytes && inputs.kept !== undefined
        ? hashOfValues(inputs.kept, codec)
        : null,
    resultsHash:
      small && core.bytesOut <= most.bytes && core.isSettled && counts.done === table.size
        ? hashOfValues(core.results, codec)
        : null,
    packages: packagesOf(shipment),
    lockHash: hashOfLock(shipment.resolveFrom),
    versions: {
      cellfan: cellfanVersion(),
      node: process.version.slice(1),
      platform: `${process.platform}-${process.arch}`,
    },
  }
}

let lastLock = { state: "", hash: "" }

/** Of the lockfile that holds in a folder. It may have megabytes and every job asks for it, so it is hashed again when it has changed. */
export function hashOfLock(folder: string): string | null {
  const path = lockfileOf(folder)
  if (path === undefined) return null
  const { mtimeMs, ctimeMs, size, ino } = statSync(path)
  const state = [path, mtimeMs, ctimeMs, size, ino].join()
  if (lastLock.state !== state) {
    const hash = createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 32)
    lastLock = { state, hash }
  }
  return lastLock.hash
}

function packagesOf({ imports, resolveFrom }: Shipment): Record<string, string> {
  const names = new Set(imports.filter((specifier) => !isBuiltin(specifier)).map(packageName))
  const versions: [string, string][] = [...names].sort().map((name) => {
    const manifest = versionOf(name, resolveFrom)
    return [name, manifest === "" ? cellfanOr(name) : String(JSON.parse(manifest).version)]
  })
  return Object.fromEntries(versions)
}

/** The library itself comes with the kernel and not from the notebook's folder. */
function cellfanOr(name: string): string {
  return name === "cellfan" ? cellfanVersion() : "not installed"
}
