import { isBuiltin } from "node:module"
import { dirname } from "node:path"
import type ts from "typescript"
import { compilerOptions, ownTypeRoot } from "./options.ts"
import type { Session } from "./session.ts"
import { typescript } from "./typescript.ts"

/** How the type checker finds what cells import, with packages installed and files written while the notebook runs. */
export function moduleResolution(session: Session, options: ts.CompilerOptions, system: ts.System) {
  const tsc = typescript()
  // Declaration files of packages stay as they are while a notebook runs; what cells import may be installed meanwhile.
  const settled = new Map<string, ts.ResolvedModuleWithFailedLookupLocations>()
  const unresolvedIn = new Set<string>()
  const resolve = (name: string, from: string, mode: ts.ResolutionMode) => {
    const key = `${mode} ${name} ${dirname(from)}`
    const known = settled.get(key)
    if (known !== undefined) return known
    const declared = session.declarations[name]
    const found =
      declared !== undefined
        ? resolvedTo(declared)
        : isBuiltin(name)
          ? { resolvedModule: undefined }
          : tsc.resolveModuleName(name, from, options, system, undefined, undefined, mode)
    const isLocal = name.startsWith(".") || found.resolvedModule?.isExternalLibraryImport !== true
    if (from.includes("/node_modules/") || !isLocal)
      settled.set(key, found as ts.ResolvedModuleWithFailedLookupLocations)
    return found as ts.ResolvedModuleWithFailedLookupLocations
  }
  // Read for each file of the program and each version of it, to tell whether it is an ES module.
  const manifests = tsc.createModuleResolutionCache(session.folder, (name) => name, options)
  return {
    getModuleResolutionCache: () => manifests,
    resolveModuleNameLiterals: (
      literals: readonly ts.StringLiteralLike[],
      from: string,
      _redirected: unknown,
      _options: unknown,
      file: ts.SourceFile,
    ) => {
      const found = literals.map((literal) =>
        resolve(literal.text, from, tsc.getModeForUsageLocation(file, literal, options)),
      )
      const isThere = (literal: ts.StringLiteralLike, index: number) =>
        isBuiltin(literal.text) || found[index]?.resolvedModule !== undefined
      if (from.includes("/node_modules/") || literals.every(isThere)) unresolvedIn.delete(from)
      else unresolvedIn.add(from)
      return found
    },
    resolveTypeReferenceDirectiveReferences: typeReferences(options, system),
    hasInvalidatedResolutions: (path: string) => unresolvedIn.has(path),
  }
}

/**
 * Packages of types that files refer to, and the options: Node's come with the kernel, where the notebook has none. The folder that they are
 * in is no root for types: it would offer to cells whatever else is there, with globals that no kernel has.
 */
function typeReferences(options: ts.CompilerOptions, system: ts.System) {
  const tsc = typescript()
  const settled = new Map<string, ts.ResolvedTypeReferenceDirectiveWithFailedLookupLocations>()
  const find = (name: string, from: string, mode: ts.ResolutionMode) => {
    const inRoots = (typeRoots: readonly string[] | undefined) =>
      tsc.resolveTypeReferenceDirective(
        name,
        from,
        { ...options, ...(typeRoots && { typeRoots: [...typeRoots] }) },
        system,
        undefined,
        undefined,
        mode,
      )
    const found = inRoots(options.typeRoots)
    const isThere = found.resolvedTypeReferenceDirective?.resolvedFileName !== undefined
    return isThere || name !== "node" ? found : inRoots([ownTypeRoot()])
  }
  return (
    references: readonly (ts.FileReference | string)[],
    from: string,
    _redirected: unknown,
    _options: unknown,
    file: ts.SourceFile | undefined,
  ) =>
    references.map((reference) => {
      const name = typeof reference === "string" ? reference : reference.fileName
      const mode = tsc.getModeForFileReference(reference, file?.impliedNodeFormat)
      const key = `${mode} ${name} ${dirname(from)}`
      const found = settled.get(key) ?? find(name, from, mode)
      settled.set(key, found)
      return found
    })
}

/** Whether a cell can import the module: then `declare module` adds to it. */
export function isModuleThere(name: string, session: Session): boolean {
  if (isBuiltin(name) || name in session.declarations) return true
  if (name.includes("*")) return false
  const tsc = typescript()
  const from = `${session.folder}/__tslab__.ts`
  return tsc.resolveModuleName(name, from, compilerOptions(session), tsc.sys).resolvedModule !== undefined
}

function resolvedTo(file: string) {
  const extension = /\.d\.ts$/.test(file) ? ".d.ts" : ".ts"
  return { resolvedModule: { resolvedFileName: file, extension, isExternalLibraryImport: true } }
}
