import { dirname, posix } from "node:path"
import ts from "typescript"
import manifest from "../../package.json" with { type: "json" }

/**
 * Who may import whom. Each layer imports only layers that stand before it in this list, or itself; a name is a folder
 * or a file of kernel-ext.
 */
export const layers: readonly string[] = [
  "protocol",
  "util",
  "errors",
  "storage",
  "capture",
  "worker",
  "backends",
  "config",
  "executors",
  "index",
  "kernel",
  "cli",
]

/** Packages that only the code of one provider may import, and only when it is first used: all that are optional, and their scopes. */
const sdks = [
  ...Object.keys(manifest.peerDependencies).map((name) =>
    name.startsWith("@") ? `${dirname(name)}/` : name,
  ),
  ...["@smithy/", "@nats-io/"],
]

function isSdk(name: string): boolean {
  return sdks.some((sdk) =>
    sdk.endsWith("/") ? name.startsWith(sdk) : name === sdk || name.startsWith(`${sdk}/`),
  )
}

export interface Import {
  readonly specifier: string
  /** `import("…")`, loaded when the line is reached. */
  readonly dynamic: boolean
}

/** Every module a file names: imports, exports, type imports, `import()` and `require()`. */
export function importsOf(code: string): Import[] {
  const source = ts.createSourceFile("file.ts", code, ts.ScriptTarget.Latest, true)
  const found: Import[] = []
  const visit = (node: ts.Node): void => {
    const specifier = specifierOf(node)
    if (specifier !== undefined) found.push({ specifier, dynamic: ts.isCallExpression(node) })
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function specifierOf(node: ts.Node): string | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return textOf(node.moduleSpecifier)
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return textOf(node.argument.literal)
  if (ts.isCallExpression(node)) {
    const isImport = node.expression.kind === ts.SyntaxKind.ImportKeyword
    const isRequire = ts.isIdentifier(node.expression) && node.expression.text === "require"
    return isImport || isRequire ? textOf(node.arguments[0]) : undefined
  }
  return undefined
}

function textOf(node: ts.Node | undefined): string | undefined {
  return node !== undefined && ts.isStringLiteralLike(node) ? node.text : undefined
}

/** What is wrong with `file` (a path in the repository) importing this; undefined where nothing is. */
export function violation(file: string, { specifier, dynamic }: Import): string | undefined {
  const target = specifier.startsWith(".") ? posix.join(dirname(file), specifier) : undefined
  return target === undefined ? packageViolation(file, specifier, dynamic) : pathViolation(file, target)
}

function packageViolation(file: string, name: string, dynamic: boolean): string | undefined {
  if (file.startsWith("kernel-ext/protocol/") && !/^zod(\/|$)/.test(name)) {
    return `${file} imports ${name}: protocol also runs in the browser and imports nothing but zod`
  }
  if (/^(@tslab\/|tslab(\/|$))/.test(name) && !file.startsWith("kernel-ext/kernel/cells")) {
    return `${file} imports ${name}: only kernel-ext/kernel/cells knows tslab`
  }
  if (!isSdk(name)) return undefined
  if (providerOf(file) === undefined)
    return `${file} imports ${name}: an SDK stands only in its provider's file`
  return dynamic ? undefined : `${file} imports ${name} at load: an SDK is loaded when it is first used`
}

function pathViolation(file: string, target: string): string | undefined {
  if (file.startsWith("labextension/")) {
    const allowed = target.startsWith("labextension/") || target.startsWith("kernel-ext/protocol/")
    return allowed ? undefined : `${file} imports ${target}: the extension imports only kernel-ext/protocol`
  }
  const from = rankOf(file)
  const to = rankOf(target)
  // The version stands there; the bundle takes it in.
  if (from === -1 || target === "package.json") return undefined
  if (to === -1) return `${file} imports ${target}: kernel-ext imports nothing outside of itself`
  if (to > from) return `${file} imports ${target}: ${layers[from]} may not import ${layers[to]}`
  const [mine, theirs] = [providerOf(file), providerOf(target)]
  if (mine !== undefined && theirs !== undefined && mine !== theirs) {
    return `${file} imports ${target}: providers never import each other`
  }
  if (file.startsWith("kernel-ext/backends/") && mine === undefined && theirs !== undefined) {
    return `${file} imports ${target}: what backends share imports none of them`
  }
  return undefined
}

function rankOf(file: string): number {
  return layers.indexOf(/^kernel-ext\/([^/.]+)/.exec(file)?.[1] ?? "")
}

/** "backends/lambda", "storage/s3", …; undefined for what all providers of a layer share. */
function providerOf(file: string): string | undefined {
  return (
    /^kernel-ext\/(backends\/(?!serverless\/)[^/.]+)\//.exec(file)?.[1] ??
    /^kernel-ext\/(storage\/(?:s3|gcs|files))\b/.exec(file)?.[1]
  )
}
