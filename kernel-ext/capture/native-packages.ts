import { existsSync, readFileSync } from "node:fs"
import { isAbsolute, join } from "node:path"
import type { Metafile } from "esbuild"

/**
 * Packages of a bundle whose native code stays behind. esbuild takes their JavaScript without a word, and it fails
 * when a task first calls it.
 */
export interface NativePackages {
  readonly needed: readonly string[]
  /** Those that do without when their native code is missing. */
  readonly optional: readonly string[]
}

interface Manifest {
  readonly name?: string
  readonly gypfile?: boolean
  readonly binary?: unknown
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

export function nativePackages(metafile: Metafile, folder: string): NativePackages {
  const needed = new Set<string>()
  const optional = new Set<string>()
  const asked = optionalDependencies(metafile, folder)
  for (const root of rootsOf(metafile, folder)) {
    const manifest = manifestOf(root)
    const name = manifest.name ?? root
    if (!hasNativeCode(root, manifest)) continue
    if (asked.has(name)) optional.add(name)
    else needed.add(name)
  }
  return { needed: [...needed], optional: [...optional] }
}

/** Folders of the packages that the bundle has code of. */
function rootsOf(metafile: Metafile, folder: string): Set<string> {
  const roots = new Set<string>()
  for (const path of Object.keys(metafile.inputs)) {
    const file = isAbsolute(path) ? path : join(folder, path)
    const [, root] = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file) ?? []
    if (root !== undefined) roots.add(root)
  }
  return roots
}

function optionalDependencies(metafile: Metafile, folder: string): Set<string> {
  return new Set(
    [...rootsOf(metafile, folder)].flatMap((root) =>
      Object.keys(manifestOf(root).optionalDependencies ?? {}),
    ),
  )
}

function hasNativeCode(root: string, manifest: Manifest): boolean {
  if (manifest.gypfile === true || manifest.binary !== undefined || existsSync(join(root, "binding.gyp")))
    return true
  if (existsSync(join(root, "prebuilds"))) return true
  // Packages whose binaries are packages of their own, one for each platform: "@scope/name-linux-x64".
  return Object.keys(manifest.optionalDependencies ?? {}).some((name) =>
    /[-/](linux|darwin|win32)[-.]?(x64|arm64|ia32)/.test(name),
  )
}

function manifestOf(root: string): Manifest {
  try {
    return JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest
  } catch {
    return {}
  }
}
