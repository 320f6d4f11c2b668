import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs"
import { isBuiltin } from "node:module"
import { dirname, join } from "node:path"
import { performance } from "node:perf_hooks"
import { CaptureError } from "../errors.ts"
import { cacheFolder as cacheFolderOf } from "../util/cache-folder.ts"
import { esbuild, loadersOf } from "./esbuild.ts"
import type { PackageBundle } from "./load/packages.ts"
import { nativePackages } from "./native-packages.ts"

/**
 * Npm packages as one minified file, for workers that do not share the notebook's file system. Built once for a
 * lockfile and a list of specifiers, and kept on disk.
 */

export interface BundleOptions {
  /** Absolute folder that the specifiers resolve from. */
  readonly folder: string
  /** Packages left out: the place where tasks run has them. */
  readonly external?: readonly string[]
  /** Default: `cellfan/packages` in the user's cache folder. */
  readonly cacheFolder?: string
  /** Told in one line of text when a bundle is built, and when it is done; not when it is found on disk. */
  readonly onProgress?: (text: string) => void
}

/**
 * @param specifiers imports as written; Node's own and cellfan are left out
 * @returns undefined where nothing is left to bundle
 * @throws CaptureError for a package that is not installed or that needs native code.
 */
export async function bundlePackages(
  specifiers: readonly string[],
  options: BundleOptions,
): Promise<PackageBundle | undefined> {
  const external = new Set(options.external ?? [])
  const wanted = specifiers
    .filter((specifier) => !isBuiltin(specifier) && !external.has(packageName(specifier)))
    .filter((specifier) => packageName(specifier) !== "cellfan")
    .sort()
  if (wanted.length === 0) return undefined
  const cacheFolder = options.cacheFolder ?? cacheFolderOf("packages")
  const file = join(cacheFolder, `${keyOf(wanted, options)}.cjs`)
  const code = existsSync(file) ? readFileSync(file, "utf8") : await build(wanted, options, file)
  return { hash: createHash("sha256").update(code).digest("hex").slice(0, 32), code }
}

async function build(specifiers: readonly string[], options: BundleOptions, file: string): Promise<string> {
  const { folder, external = [], onProgress = () => {} } = options
  const names = [...new Set(specifiers.map(packageName))]
  const startedAt = performance.now()
  onProgress(`Bundling ${names.join(", ")} …`)
  const { outputFiles, metafile, errors } = await esbuild()
    .build({
      stdin: { contents: loadersOf(specifiers), resolveDir: folder, sourcefile: "cellfan-packages.js" },
      absWorkingDir: folder,
      bundle: true,
      minify: true,
      // Error classes and function names are what people read in stacks.
      keepNames: true,
      platform: "node",
      format: "cjs",
      target: "node20.19",
      external: [...external, "*.node"],
      metafile: true,
      write: false,
      logLevel: "silent",
    })
    .catch((cause: unknown) => refuse(names, cause))
  const code = outputFiles[0]?.text ?? ""
  if (errors.length > 0) throw new CaptureError(`${names.join(", ")} cannot be bundled`, { path: names })
  const { needed, optional } = nativePackages(metafile, folder)
  if (needed.length > 0) {
    const [name = ""] = needed
    throw new CaptureError(
      `The package ${name} has native code, which cannot be sent. Install it where the tasks run and name it in ` +
        `packages: { external: ["${name}"] }, or use a package without native code.`,
      { path: [name] },
    )
  }
  if (optional.length > 0) onProgress(`Left out native code that is optional: ${optional.join(", ")}`)
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  onProgress(`Bundled ${names.join(", ")} in ${seconds} s: ${Math.ceil(code.length / 1000)} kB`)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(`${file}.${process.pid}`, code)
  renameSync(`${file}.${process.pid}`, file)
  return code
}

function refuse(names: readonly string[], cause: unknown): never {
  const { errors = [] } = cause as { errors?: readonly { text: string }[] }
  const reason = errors.map(({ text }) => text).join("; ") || String(cause)
  throw new CaptureError(`${names.join(", ")} cannot be bundled: ${reason}`, { path: names, cause })
}

export function packageName(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/")
}

/** What the bundle depends on: which versions are installed, what is asked for, and by whom it is built. */
function keyOf(specifiers: readonly string[], { folder, external = [] }: BundleOptions): string {
  const hash = createHash("sha256")
  hash.update(JSON.stringify([specifiers, external, esbuild().version, process.platform, process.arch]))
  const lockfile = lockfileOf(folder)
  hash.update(
    lockfile !== undefined
      ? readFileSync(lockfile)
      : specifiers.map((specifier) => versionOf(specifier, folder)).join(),
  )
  return hash.digest("hex").slice(0, 32)
}

/** npm writes the first whenever it changes what is installed; the others are of other installers. */
const lockfiles = [
  "node_modules/.package-lock.json",
  "package-lock.json",
  "pnpm-lock.yaml",
  "yarn.lock",
  "bun.lock",
]

/** Path of the lockfile of the folder or one above it. */
export function lockfileOf(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    const name = lockfiles.find((lockfile) => existsSync(join(at, lockfile)))
    if (name !== undefined) return join(at, name)
    if (at === dirname(at)) return undefined
  }
}

/** The package.json of what a specifier names; empty where it is not installed. */
export function versionOf(specifier: string, folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    const manifest = join(at, "node_modules", packageName(specifier), "package.json")
    if (existsSync(manifest)) return readFileSync(manifest, "utf8")
    if (at === dirname(at)) return ""
  }
}
