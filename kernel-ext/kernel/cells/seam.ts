import type ts from "typescript"
import { isRecentPage, pageFiles } from "./pages.ts"
import type { Session } from "./session.ts"
import { typescript } from "./typescript.ts"

/** The seam between the program and tslab, where the JavaScript of a cell is taken before tslab rewrites it. */

type Host = ts.WatchCompilerHostOfFilesAndCompilerOptions<ts.BuilderProgram>

/** Where tslab looks for what was made of a cell. */
const EMITTED = "outDir/__tslab__"

/** Whether a file of the program is the cell. */
export function isCell(fileName: string): boolean {
  return fileName.endsWith("/__tslab__.ts")
}

/** Gives tslab builder programs whose emit of a cell leaves the JavaScript to us. */
export function withSeam(host: Host, session: Session): Host {
  const { afterProgramCreate } = host
  host.afterProgramCreate = (builder) => afterProgramCreate?.(seam(builder, session))
  return host
}

function seam(builder: ts.BuilderProgram, session: Session): ts.BuilderProgram {
  const program = builder.getProgram()
  session.program = program
  return Object.assign(Object.create(builder), {
    getProgram: () => program,
    getSourceFile(name: string) {
      const file = program.getSourceFile(name)
      if (file === undefined) return undefined
      if (isRecentPage(name)) return shield(file)
      bind(file, session, program.getCompilerOptions())
      return file
    },
    getAllDependencies: (file: ts.SourceFile) => localDependencies(program, file),
    emit(
      file: ts.SourceFile,
      write: ts.WriteFileCallback,
      _cancellation: unknown,
      _declarationsOnly: unknown,
      transformers: ts.CustomTransformers,
    ) {
      // Modules beside the notebook are compiled when they are imported; see modules.ts.
      if (!isCell(file.fileName)) return
      emitCell(program, file, session, write, transformers)
    },
  })
}

/**
 * tslab reads the names that a file declares, which are there once it is bound; the checker would bind all files.
 * Of a cell it would write `export { … }` behind it and check it once more; that list is there already, so it finds no
 * names, until `prepareForCheck`.
 */
function bind(file: ts.SourceFile, session: Session, options: ts.CompilerOptions): void {
  typescript().bindSourceFile(file, options)
  if (!session.hasExportList || !isCell(file.fileName)) return
  session.hasExportList = false
  Object.assign(localsOf(file), { forEach() {} })
}

/**
 * A cell as the checker is to see it: with its names, and within the pages of what earlier cells declared, of which
 * the outer one is further away. What it says of modules by name sees what it sees.
 */
export function prepareForCheck(file: ts.SourceFile, session: Session): void {
  if (!isCell(file.fileName)) return
  Reflect.deleteProperty(localsOf(file), "forEach")
  const [recent, settled] = pageFiles(session.folder).map((page) => session.program?.getSourceFile(page))
  Object.assign(file, { parent: recent })
  if (recent !== undefined) Object.assign(recent, { parent: settled })
  const modules = session.program?.getSourceFile(session.pages.modulesFile)
  if (modules !== undefined) Object.assign(modules, { parent: file })
}

/**
 * The recent page for tslab, which would take statements out of it and print it to tell what is left after a cell;
 * declarations.ts does that, and the page can be used again.
 */
function shield(file: ts.SourceFile): ts.SourceFile {
  return Object.create(file, {
    locals: { value: new Map() },
    statements: { value: [], writable: true },
  })
}

function localsOf(file: ts.SourceFile): object {
  return (file as unknown as { locals?: object }).locals ?? {}
}

function emitCell(
  program: ts.Program,
  file: ts.SourceFile,
  session: Session,
  write: ts.WriteFileCallback,
  transformers: ts.CustomTransformers,
): void {
  const take: ts.WriteFileCallback = (name, text, mark) => {
    if (name.endsWith(".js.map")) session.sourceMap = text
    else if (name.endsWith(".js")) {
      session.javascript = text
      write(`${EMITTED}.js`, text, mark)
    } else if (name.endsWith(".d.ts")) write(`${EMITTED}.d.ts`, text, mark)
  }
  const { afterDeclarations } = transformers
  const emit = program.emit as ForcibleEmit
  // Forced: a type that cannot be named in a declaration file is no reason not to run the cell.
  emit(file, take, undefined, false, afterDeclarations && { afterDeclarations }, true)
}

type ForcibleEmit = (
  ...args: [...Parameters<ts.Program["emit"]>, forceDeclarations: boolean]
) => ts.EmitResult

/** The file and the notebook's own modules that it imports, directly or not. */
function localDependencies(program: ts.Program, from: ts.SourceFile): string[] {
  const seen = new Set<string>([from.fileName])
  const visit = (file: ts.SourceFile) => {
    for (const literal of (file as unknown as WithImports).imports ?? []) {
      const { resolvedModule } =
        (program as unknown as ResolvedModules).getResolvedModuleFromModuleSpecifier(literal, file) ?? {}
      if (resolvedModule === undefined || resolvedModule.isExternalLibraryImport) continue
      if (seen.has(resolvedModule.resolvedFileName)) continue
      seen.add(resolvedModule.resolvedFileName)
      const next = program.getSourceFile(resolvedModule.resolvedFileName)
      if (next !== undefined) visit(next)
    }
  }
  visit(from)
  return [...seen]
}

interface WithImports {
  readonly imports?: readonly ts.StringLiteralLike[]
}

interface ResolvedModules {
  getResolvedModuleFromModuleSpecifier(
    literal: ts.StringLiteralLike,
    file: ts.SourceFile,
  ): { resolvedModule?: ts.ResolvedModuleFull } | undefined
}
