import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { isAbsolute, join } from "node:path"
import { TraceMap } from "@jridgewell/trace-mapping"
import type { ShippedModules } from "../codec/nodes.ts"
import { esbuild, loadersOf } from "../esbuild.ts"

/** Files of the notebook's own, `./util` and what they import of their kind, as one script. Packages stay imports. */

export interface LocalModules extends ShippedModules {
  /** Packages and builtins that the files import. */
  readonly imports: readonly string[]
  readonly sourceMap: TraceMap
}

interface Built {
  readonly modules: LocalModules
  readonly files: readonly { readonly path: string; readonly hash: string }[]
}

const memo = new Map<string, Built>()

export function isLocal(specifier: string): boolean {
  return (
    /^\.{0,2}\//.test(specifier) ||
    specifier === "." ||
    specifier === ".." ||
    isAbsolute(specifier) ||
    specifier.startsWith("file:")
  )
}

/** @throws Error with esbuild's words where a file is missing or cannot be compiled. */
export function bundleLocalModules(specifiers: readonly string[], folder: string): LocalModules {
  const key = JSON.stringify([folder, ...specifiers])
  const known = memo.get(key)
  if (known?.files.every(({ path, hash }) => hash === hashOfFile(path))) return known.modules
  const built = build(specifiers, folder)
  memo.set(key, built)
  return built.modules
}

function build(specifiers: readonly string[], folder: string): Built {
  const { outputFiles, metafile } = esbuild().buildSync({
    stdin: { contents: loadersOf(specifiers), resolveDir: folder, sourcefile: "cellfan-modules.js" },
    absWorkingDir: folder,
    bundle: true,
    packages: "external",
    platform: "node",
    format: "cjs",
    target: "node20.19",
    sourcemap: "external",
    outfile: join(folder, "cellfan-modules.js"),
    metafile: true,
    write: false,
    logLevel: "silent",
  })
  const text = outputFiles.find(({ path }) => path.endsWith(".js"))?.text ?? ""
  const map = outputFiles.find(({ path }) => path.endsWith(".map"))?.text ?? "{}"
  const paths = Object.keys(metafile.inputs).map((path) => join(folder, path))
  const imports = Object.values(metafile.inputs).flatMap((input) =>
    input.imports.flatMap(({ path, external }) => (external === true ? [path] : [])),
  )
  return {
    modules: {
      hash: createHash("sha256").update(text).digest("hex").slice(0, 32),
      text,
      imports: [...new Set(imports)],
      sourceMap: new TraceMap(JSON.parse(map)),
    },
    files: paths.map((path) => ({ path, hash: hashOfFile(path) })).filter(({ hash }) => hash !== ""),
  }
}

function hashOfFile(path: string): string {
  try {
    return createHash("sha256").update(readFileSync(path)).digest("hex")
  } catch {
    return ""
  }
}
