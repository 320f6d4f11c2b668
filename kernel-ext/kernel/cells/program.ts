import { createRequire, isBuiltin } from "node:module"
import { dirname, join } from "node:path"
import type ts from "typescript"
import type { Session } from "./session.ts"
import { typescript } from "./typescript.ts"

/**
 * The TypeScript program that tslab keeps over the cells: the options it is compiled with, how imports resolve, and
 * the seam at its emit, where the cell's JavaScript is taken before tslab rewrites it.
 */

type Host = ts.WatchCompilerHostOfFilesAndCompilerOptions<ts.BuilderProgram>

/** Where tslab looks for what was made of a cell. */
const EMITTED = "outDir/__tslab__"

export function compilerHost(session: Session, rootFiles: string[], system: ts.System): Host {
  const tsc = typescript()
  const options = compilerOptions(session)
  const host = tsc.createWatchCompilerHost(
    rootFiles,
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

/** Whether a file of the program is the cell. */
export function isCell(fileName: string): boolean {
  return fileName.endsWith("/__tslab__.ts")
}

function compilerOptions(session: Session): ts.CompilerOptions {
  const tsc = typescript()
  return {
    // As tslab has it, so that its notebooks run; a tsconfig.json beside the notebook can ask for more.
    strict: false,
    target: tsc.ScriptTarget.ES2022,
    lib: libraries(),
    types: ["node"],
    jsx: tsc.JsxEmit.React,
    esModuleInterop: true,
    resolveJsonModule: true,
    ...session.configured,
    // Of `import x = require()`, `import` and `export`, each stays what it is.
    module: tsc.ModuleKind.Preserve,
    moduleResolution: tsc.ModuleResolutionKind.Bundler,
    allowImportingTsExtensions: true,
    allowJs: true,
    checkJs: false,
    allowUnreachableCode: true,
    allowUnusedLabels: true,
    noUncheckedSideEffectImports: false,
    skipLibCheck: true,
    declaration: true,
    sourceMap: true,
    noEmit: false,
    newLine: tsc.NewLineKind.LineFeed,
    typeRoots: [...typeRootsFrom(session.folder), ownTypeRoot()],
    rootDir: session.folder,
    outDir: "outDir",
  }
}

/** What this Node has, no more: a method that is missing at run time should be missing to the type checker. */
function libraries(): string[] {
  const major = Number(process.versions.node.split(".")[0])
  const newer =
    major >= 24
      ? ["es2025", "esnext.array", "esnext.disposable", "esnext.error"]
      : major >= 22
        ? ["es2024", "es2025.iterator", "es2025.collection", "esnext.array", "esnext.disposable"]
        : ["es2023", "esnext.disposable"]
  return [...newer, "decorators", "decorators.legacy"].map((name) => `lib.${name}.d.ts`)
}

/** The folder of type packages that has Node's, installed with the kernel. */
export function ownTypeRoot(): string {
  return dirname(dirname(createRequire(import.meta.url).resolve("@types/node/package.json")))
}

function typeRootsFrom(folder: string): string[] {
  const parent = dirname(folder)
  const here = join(folder, "node_modules", "@types")
  return parent === folder ? [here] : [here, ...typeRootsFrom(parent)]
}

/** Options of a tsconfig.json beside the notebook that say how code is meant; how it is built stays ours. */
export function configuredOptions(folder: string): ts.CompilerOptions {
  const tsc = typescript()
  const file = join(folder, "tsconfig.json")
  if (!tsc.sys.fileExists(file)) return {}
  const { config } = tsc.readConfigFile(file, tsc.sys.readFile)
  const host = { ...tsc.sys, useCaseSensitiveFileNames: true, readDirectory: () => [] }
  const { options } = tsc.parseJsonConfigFileContent(config ?? {}, host, folder)
  const taken = Object.entries(options).filter(([name]) => meaningOptions.has(name))
  return Object.fromEntries(taken)
}

const meaningOptions = new Set([
  ...["paths", "pathsBasePath", "baseUrl", "customConditions", "types"],
  ...["strict", "noImplicitAny", "strictNullChecks", "strictFunctionTypes", "strictBindCallApply"],
  ...[
    "strictPropertyInitialization",
    "noImplicitThis",
    "useUnknownInCatchVariables",
    "noUncheckedIndexedAccess",
  ],
  ...["exactOptionalPropertyTypes", "noImplicitReturns", "noPropertyAccessFromIndexSignature"],
  ...["jsx", "jsxFactory", "jsxFragmentFactory", "jsxImportSource"],
  ...["experimentalDecorators", "emitDecoratorMetadata", "useDefineForClassFields"],
])

function moduleResolution(session: Session, options: ts.CompilerOptions, system: ts.System) {
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
    hasInvalidatedResolutions: (path: string) => unresolvedIn.has(path),
  }
}

function resolvedTo(file: string) {
  const extension = /\.d\.ts$/.test(file) ? ".d.ts" : ".ts"
  return { resolvedModule: { resolvedFileName: file, extension, isExternalLibraryImport: true } }
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
      if (file !== undefined) bind(file, session, program.getCompilerOptions())
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
 * names, until `namesAgain`.
 */
function bind(file: ts.SourceFile, session: Session, options: ts.CompilerOptions): void {
  typescript().bindSourceFile(file, options)
  if (!session.hasExportList || !isCell(file.fileName)) return
  session.hasExportList = false
  Object.assign(localsOf(file), { forEach() {} })
}

export function namesAgain(file: ts.SourceFile): void {
  Reflect.deleteProperty(localsOf(file), "forEach")
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
