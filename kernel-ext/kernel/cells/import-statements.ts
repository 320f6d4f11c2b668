import type { AnyNode, ImportDeclaration, ModuleDeclaration, Program, Statement } from "acorn"
import type MagicString from "magic-string"

/** What a cell's JavaScript imports: by import statements, and by `require` and `import()` that are as good. */

/** What a cell imports, in the order of its import statements. */
export interface ImportedModule {
  readonly specifier: string
  readonly attributes: Readonly<Record<string, string>>
  readonly bindings: readonly ImportedName[]
}

/** A name bound to what a call loaded; the name "*" stands for all it gave. */
export interface LoadedName extends ImportedName {
  readonly specifier: string
}

export interface ImportedName {
  readonly local: string
  /** Name of the export; "*" for all of them. */
  readonly name: string
}

/** Takes import and export statements out. */
export function importsOf(statement: Statement | ModuleDeclaration, body: MagicString): ImportedModule[] {
  switch (statement.type) {
    case "ImportDeclaration":
      body.remove(statement.start, statement.end)
      return [
        {
          specifier: String(statement.source.value),
          attributes: attributesOf(statement),
          bindings: bindingsOf(statement),
        },
      ]
    case "ExportNamedDeclaration":
    case "ExportAllDeclaration":
      body.remove(statement.start, statement.end)
      return statement.source == null
        ? []
        : [{ specifier: String(statement.source.value), attributes: {}, bindings: [] }]
    case "ExportDefaultDeclaration":
      body.remove(statement.start, statement.declaration.start)
      return []
    default:
      return []
  }
}

function bindingsOf(statement: ImportDeclaration): ImportedName[] {
  return statement.specifiers.map((one) => {
    const local = one.local.name
    if (one.type === "ImportDefaultSpecifier") return { local, name: "default" }
    if (one.type === "ImportNamespaceSpecifier") return { local, name: "*" }
    return {
      local,
      name: one.imported.type === "Identifier" ? one.imported.name : String(one.imported.value),
    }
  })
}

function attributesOf(statement: ImportDeclaration): Record<string, string> {
  const entries = (statement.attributes ?? []).map(({ key, value }) => [
    key.type === "Identifier" ? key.name : String(key.value),
    String(value.value),
  ])
  return Object.fromEntries(entries)
}

/** Constants that are bound to what `require("…")` or `await import("…")` gives. */
export function loadsOf(program: Program, names: ReadonlySet<string>): LoadedName[] {
  const found: LoadedName[] = []
  for (const statement of program.body) {
    if (statement.type !== "VariableDeclaration" || statement.kind !== "const") continue
    for (const { id, init } of statement.declarations) {
      const specifier = init ? loadedBy(init as AnyNode) : undefined
      if (specifier === undefined) continue
      if (id.type === "Identifier" && names.has(id.name)) found.push({ local: id.name, name: "*", specifier })
      if (id.type !== "ObjectPattern") continue
      for (const property of id.properties)
        if (
          property.type === "Property" &&
          property.key.type === "Identifier" &&
          property.value.type === "Identifier"
        )
          found.push({ local: property.value.name, name: property.key.name, specifier })
    }
  }
  return found
}

/** The specifier in `require("…")` or `await import("…")`. */
function loadedBy(init: AnyNode): string | undefined {
  const call = init.type === "AwaitExpression" ? (init.argument as AnyNode) : init
  if (call.type === "ImportExpression") return literal(call.source as AnyNode)
  if (call.type !== "CallExpression" || call.callee.type !== "Identifier" || call.callee.name !== "require")
    return undefined
  return literal(call.arguments[0] as AnyNode | undefined)
}

function literal(node: AnyNode | undefined): string | undefined {
  return node?.type === "Literal" && typeof node.value === "string" ? node.value : undefined
}
