import {
  type AnyNode,
  type ExportNamedDeclaration,
  type ModuleDeclaration,
  Parser,
  type Program,
  type Statement,
  type VariableDeclaration,
} from "acorn"
import MagicString from "magic-string"
import { marksFor } from "../../capture/marks.ts"
import { bind, declareIn, hoistVars } from "./bound-names.ts"
import { bindingName } from "./globals.ts"
import { type ImportedModule, importsOf, type LoadedName, loadsOf } from "./import-statements.ts"
import { localiseLoops } from "./loops.ts"
import { type Analysis, analyse } from "./scope.ts"
import { markWaits } from "./waits.ts"

/**
 * Makes of a cell's JavaScript, an ES module, the body of a function over the notebook's variables.
 *
 * Each variable is one script-scope binding, made once and shared by all cells and closures; so a declaration at the
 * top of a cell becomes an assignment, and everything that refers to the name stays as written.
 */

export interface RunnableCell {
  readonly body: MagicString
  readonly isAsync: boolean
  readonly imports: readonly ImportedModule[]
  /** Names that `require("…")` and `await import("…")` are bound to for good. */
  readonly loads: readonly LoadedName[]
  /** Names this cell declares that hold values. */
  readonly names: readonly string[]
}

/** What the cell's function is called with; the names under which cells see them. */
export const parameters = [
  "require",
  "exports",
  "module",
  "__filename",
  "__dirname",
  /** The word `import` in `import.meta`, and in `import(…)` of what is not simply a package's name; capture knows it. */
  "__import",
  /** Values of the import bindings, in order. */
  "__imports",
] as const

export interface TransformOptions {
  readonly endsInExpression: boolean
  /** Names that earlier cells declared. */
  readonly known: ReadonlySet<string>
  /** Names that functions of any cell refer to; grows by this cell's. */
  readonly closedOver: Set<string>
  /** Whether `import("specifier")` may be left to Node. */
  isPlainPackage(specifier: string): boolean
}

type TopLevel = Statement | ModuleDeclaration

export function transform(javascript: string, options: TransformOptions): RunnableCell {
  const program = CellParser.parse(javascript, {
    ecmaVersion: "latest",
    sourceType: "module",
    allowAwaitOutsideFunction: true,
    allowReturnOutsideFunction: true,
  })
  const analysis = analyse(program)
  const body = new MagicString(javascript)
  const names = namesOf(program)
  const shared = new Set([...options.known, ...names])
  for (const { name, inFunction } of analysis.references)
    if (inFunction && shared.has(name)) options.closedOver.add(name)

  if (options.endsInExpression) returnLast(program.body, body)
  const imports = program.body.flatMap((statement) => importsOf(statement, body))
  for (const statement of program.body) assignDeclared(statement, names, body)
  assignVars(analysis, names, body)
  rename(analysis, shared, body)
  redirectImports(analysis, options, body)
  for (const { offset, text } of marksFor(program)) body.appendLeft(offset, text)
  markWaits(analysis, body)
  localiseLoops(analysis, shared, options.closedOver, body)
  prologue(imports, program, names, body)
  return {
    body,
    isAsync: analysis.awaits.length > 0,
    imports,
    loads: loadsOf(program, names),
    names: [...names],
  }
}

/** Names that the cell only declares to be there (`declare var x`) are exported and never defined. */
class CellParser extends Parser {
  raiseRecoverable(pos: number, message: string): void {
    if (/^Export '.*' is not defined$/.test(message)) return
    ;(this as unknown as Raises).raise(pos, message)
  }
}

interface Raises {
  raise(pos: number, message: string): never
}

/**
 * TypeScript lists the cell's own names in a last `export`; other names at the top are its helpers and temporaries. What it imports
 * by itself, for JSX, is a name like any other, so that functions take it along wherever they run.
 */
function namesOf(program: Program): Set<string> {
  const declared = new Set<string>()
  declareIn(program.body, declared)
  hoistVars(program, declared)
  const imported = program.body.flatMap((statement) =>
    statement.type === "ImportDeclaration" ? statement.specifiers.map(({ local }) => local.name) : [],
  )
  const exported = program.body
    .filter(
      (one): one is ExportNamedDeclaration => one.type === "ExportNamedDeclaration" && one.source == null,
    )
    .flatMap((one) => one.specifiers)
    .map(({ local }) => (local.type === "Identifier" ? local.name : String(local.value)))
  return new Set([...exported.filter((name) => declared.has(name)), ...imported])
}

/** `return [value]`: within an array a promise stays what it is. */
function returnLast(statements: readonly (TopLevel | Statement)[], body: MagicString): void {
  const last = statements.findLast((one) => !isSilent(one))
  if (last?.type === "ExpressionStatement" || last?.type === "ExportDefaultDeclaration") {
    // The statement's own bounds: an expression in parentheses begins behind them.
    const start = last.type === "ExpressionStatement" ? last.start : last.declaration.start
    const end = body.original[last.end - 1] === ";" ? last.end - 1 : last.end
    body.appendRight(start, "return [(")
    body.appendLeft(end, ")]")
  } else if (last?.type === "TryStatement") {
    // What `using` at the top of a cell is compiled to.
    returnLast(last.block.body, body)
  }
}

function isSilent(statement: TopLevel | Statement): boolean {
  return (
    statement.type === "EmptyStatement" ||
    statement.type === "ExportNamedDeclaration" ||
    (statement.type === "VariableDeclaration" && statement.declarations.every((one) => one.init == null))
  )
}

function assignDeclared(statement: TopLevel, names: ReadonlySet<string>, body: MagicString): void {
  if (statement.type === "VariableDeclaration" && statement.kind !== "var") {
    if (declares(statement, names)) assignVariables(statement, body, true)
  } else if (statement.type === "ClassDeclaration" && names.has(statement.id.name)) {
    body.appendRight(statement.start, `${bindingName(statement.id.name)} = `)
    body.appendLeft(statement.end, ";")
  } else if (statement.type === "FunctionDeclaration" && names.has(statement.id.name)) {
    // Without a name of its own, so that the name within means the notebook's variable, as it does in a declaration.
    const { id, start, end } = statement
    body.remove(id.start, id.end)
    const { before, after } = keepingName(id.name)
    body.appendRight(start, `${bindingName(id.name)} = ${before}`)
    body.appendLeft(end, `${after};\n`)
    if (start > 0) body.move(start, end, 0)
  }
}

/** Functions take their name from the variable they are assigned to, which may be called otherwise than it was typed. */
function keepingName(name: string): { before: string; after: string } {
  return bindingName(name) === name
    ? { before: "", after: "" }
    : { before: `({ ${name}: `, after: ` }).${name}` }
}

function isNamedByAssignment(value: AnyNode): boolean {
  if (value.type === "ArrowFunctionExpression") return true
  return (value.type === "FunctionExpression" || value.type === "ClassExpression") && value.id == null
}

function declares(statement: VariableDeclaration, names: ReadonlySet<string>): boolean {
  const own = new Set<string>()
  for (const { id } of statement.declarations) bind(id, own)
  return [...own].some((name) => names.has(name))
}

/** `const a = f(), { b } = c` → `a = f(), ({ b } = c)` */
function assignVariables(statement: VariableDeclaration, body: MagicString, initialise: boolean): void {
  const [first] = statement.declarations
  if (first === undefined) return
  body.remove(statement.start, first.start)
  for (const { id, init, start, end } of statement.declarations) {
    if (id.type !== "Identifier" && init != null) {
      body.appendRight(start, "(")
      body.appendLeft(end, ")")
    } else if (init == null && initialise) body.appendLeft(end, " = undefined")
    else if (init != null && id.type === "Identifier" && isNamedByAssignment(init as AnyNode)) {
      const { before, after } = keepingName(id.name)
      body.appendRight(init.start, before)
      body.appendLeft(init.end, after)
    }
  }
}

function assignVars(analysis: Analysis, names: ReadonlySet<string>, body: MagicString): void {
  for (const statement of analysis.vars)
    if (declares(statement as VariableDeclaration, names))
      assignVariables(statement as VariableDeclaration, body, false)
}

/** Refers to names that must not be seen by everyone under another name; see globals.ts. */
function rename(analysis: Analysis, shared: ReadonlySet<string>, body: MagicString): void {
  for (const { name, start, end, shorthand } of analysis.references) {
    const binding = bindingName(name)
    if (binding === name || !shared.has(name)) continue
    body.update(start, end, shorthand ? `${name}: ${binding}` : binding)
  }
}

function redirectImports(analysis: Analysis, options: TransformOptions, body: MagicString): void {
  for (const { start, end } of analysis.metaProperties) body.update(start, end, "__import.meta")
  for (const { source, start } of analysis.dynamicImports) {
    const isPlain =
      source.type === "Literal" && typeof source.value === "string" && options.isPlainPackage(source.value)
    if (!isPlain) body.update(start, start + "import".length, "__import")
  }
}

/** Import bindings get their values; a `var` begins undefined, whatever an earlier cell left in it. */
function prologue(
  imports: readonly ImportedModule[],
  program: Program,
  names: ReadonlySet<string>,
  body: MagicString,
): void {
  const locals = imports.flatMap(({ bindings }) => bindings.map(({ local }) => local))
  const assigned = locals.flatMap((local, index) =>
    names.has(local) ? [`${bindingName(local)} = __imports[${index}];`] : [],
  )
  const vars = new Set<string>()
  hoistVars(program, vars)
  const cleared = [...vars]
    .filter((name) => names.has(name))
    .map((name) => `${bindingName(name)} = undefined;`)
  body.prepend([...assigned, ...cleared].join(" "))
}
