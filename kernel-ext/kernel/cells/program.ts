import type ts from "typescript"
import { compilerOptions } from "./options.ts"
import { moduleResolution } from "./resolution.ts"
import { isCell } from "./seam.ts"
import type { Session } from "./session.ts"
import { typescript } from "./typescript.ts"

/** The TypeScript program that tslab keeps over the cells; options, resolution and seam say what is our own in it. */

type Host = ts.WatchCompilerHostOfFilesAndCompilerOptions<ts.BuilderProgram>

export function compilerHost(session: Session, rootFiles: string[], system: ts.System): Host {
  const tsc = typescript()
  const options = compilerOptions(session)
  const host = tsc.createWatchCompilerHost(
    [...rootFiles, ...session.pages.files],
    options,
    system,
    // It keeps no state of its own: which files a change affects is no question here.
    session.configured.jsx === undefined ? tsc.createAbstractBuilder : builderWithJsx(),
    () => {},
    () => {},
  )
  // Libraries come with the compiler; it need not look for replacements in node_modules.
  Object.assign(host, {
    resolveLibrary: () => ({ resolvedModule: undefined }),
    hasInvalidatedLibResolutions: () => false,
    watchFile: (path: string, listener: ts.FileWatcherCallback) =>
      session.pages.watch(path, listener, system),
  })
  Object.assign(host, moduleResolution(session, options, system))
  return host
}

/** A notebook whose tsconfig.json says how to compile JSX may have it in cells, which tslab calls a plain .ts file. */
function builderWithJsx(): ts.CreateProgram<ts.BuilderProgram> {
  const tsc = typescript()
  const cells = new WeakMap<ts.SourceFile, ts.SourceFile>()
  const adapted = new WeakSet<ts.CompilerHost>()
  const withJsx = (
    file: ts.SourceFile | undefined,
    options: ts.ScriptTarget | ts.CreateSourceFileOptions,
  ) => {
    if (file === undefined || !isCell(file.fileName)) return file
    const known = cells.get(file)
    if (known !== undefined) return known
    const parsed = tsc.createSourceFile(file.fileName, file.text, options, false, tsc.ScriptKind.TSX)
    Object.assign(parsed, { version: (file as unknown as { version: string }).version })
    cells.set(file, parsed)
    return parsed
  }
  const create = (...[roots, options, host, ...rest]: Parameters<ts.CreateProgram<ts.BuilderProgram>>) => {
    if (host !== undefined && !adapted.has(host)) {
      adapted.add(host)
      const { getSourceFile, getSourceFileByPath } = host
      host.getSourceFile = (name, language, ...more) =>
        withJsx(getSourceFile(name, language, ...more), language)
      if (getSourceFileByPath !== undefined)
        host.getSourceFileByPath = (name, path, language, ...more) =>
          withJsx(getSourceFileByPath(name, path, language, ...more), language)
    }
    return tsc.createAbstractBuilder(roots, options, host, ...rest)
  }
  return create
}

/** What completion asks its host for, besides the file system. */
export function completionHost(session: Session) {
  const options = session.program?.getCompilerOptions() ?? {}
  return Object.assign(Object.create(typescript().sys), {
    getCompilationSettings: () => options,
    getCurrentDirectory: () => session.folder,
    useCaseSensitiveFileNames: () => true,
  })
}
