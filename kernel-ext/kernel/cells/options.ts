import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import type ts from "typescript"
import type { Session } from "./session.ts"
import { typescript } from "./typescript.ts"

/** The compiler options of cells: ours, those of a tsconfig.json beside the notebook, and what this Node has. */

export function compilerOptions(session: Session): ts.CompilerOptions {
  const tsc = typescript()
  return {
    // As tslab has it, so that its notebooks run; a tsconfig.json beside the notebook can ask for more.
    strict: false,
    target: target(),
    lib: [session.libraries.libraryName],
    jsx: tsc.JsxEmit.React,
    esModuleInterop: true,
    resolveJsonModule: true,
    ...session.configured,
    types: [...new Set(["node", ...(session.configured.types ?? [])])],
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
    typeRoots: typeRootsFrom(session.folder),
    rootDir: session.folder,
    outDir: "outDir",
  }
}

/** As with the libraries: from it the checker knows what may stand in a regular expression. */
function target(): ts.ScriptTarget {
  const { ScriptTarget } = typescript()
  return nodeMajor >= 24 ? ScriptTarget.ES2025 : ScriptTarget.ES2024
}

const nodeMajor = Number(process.versions.node.split(".")[0])

/** What this Node has, no more: a method that is missing at run time should be missing to the type checker. */
export function libraries(): string[] {
  const newer =
    nodeMajor >= 24
      ? ["es2025", "esnext.array", "esnext.disposable", "esnext.error"]
      : nodeMajor >= 22
        ? ["es2024", "es2025.iterator", "es2025.collection", "esnext.array", "esnext.disposable"]
        : ["es2023", "esnext.disposable"]
  return [...newer, "decorators", "decorators.legacy"]
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
