import type ts from "typescript"
import { typescript } from "./typescript.ts"

/**
 * What earlier cells declared, as two pages of a declaration file. TypeScript reads a page anew when it changes, so
 * each cell writes on the small one; when that is full, all of it goes to the large one. A cell sees the small page
 * first: what is there hides a variable of the same name in the large one.
 */
export class Declarations {
  static readonly none = new Declarations([], [])
  readonly #settled: readonly Declared[]
  readonly #recent: readonly Declared[]
  readonly settledText: string
  readonly recentText: string

  private constructor(
    settled: readonly Declared[],
    recent: readonly Declared[],
    settledText = textOf(settled),
  ) {
    this.#settled = settled
    this.#recent = recent
    this.settledText = settledText
    this.recentText = textOf(recent)
  }

  /** With what a further cell declares; `written` is its declaration file. */
  after(written: string): Declarations {
    const fresh = read(written)
    if (fresh.length === 0) return this
    const taken = meanings(fresh)
    const recent = this.#recent.flatMap((one) => remaining(one, taken))
    if (recent.length < MOST_RECENT && !this.#settled.some((one) => this.#mustGo(one, taken)))
      return new Declarations(this.#settled, [...recent, ...fresh], this.settledText)
    // What the small page has hidden so far goes now.
    const hidden = meanings([...recent, ...fresh])
    const settled = this.#settled.flatMap((one) => remaining(one, hidden))
    return new Declarations([...settled, ...recent], fresh)
  }

  /** Without the values of these names, for what a cell declares and did not come to. */
  without(names: ReadonlySet<string>): Declarations {
    const stays = ({ name, meaning, kind }: Declared) =>
      !names.has(name) || kind === "other" || (meaning & VALUE) === 0
    return new Declarations(this.#settled.filter(stays), this.#recent.filter(stays))
  }

  /** Whether something settled may not just be hidden: others refer to it, or it also means something else. */
  #mustGo({ name, kind }: Declared, taken: ReadonlyMap<string, number>): boolean {
    const meaning = taken.get(name)
    if (meaning === undefined) return false
    return kind !== "variable" || meaning !== VALUE || this.settledText.includes(`typeof ${name}`)
  }
}

const MOST_RECENT = 40

const VALUE = 1
const TYPE = 2
const NAMESPACE = 4
const ANY = VALUE | TYPE | NAMESPACE

/** One name that a cell declared, with the statement that says so. */
interface Declared {
  readonly text: string
  readonly name: string
  /** What the name can stand for. */
  readonly meaning: number
  readonly kind: "variable" | "function" | "class" | "import" | "other"
}

/** Names that a declaration file declares. */
export function declaredNames(written: string): Set<string> {
  return new Set(read(written).map(({ name }) => name))
}

/** What each name of these can stand for. */
function meanings(declared: readonly Declared[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const { name, meaning } of declared) found.set(name, (found.get(name) ?? 0) | meaning)
  return found
}

function textOf(all: readonly Declared[]): string {
  return all.map(({ text }) => `${text}\n`).join("")
}

/** What is left of a declaration where its name has been taken for something else. */
function remaining(one: Declared, taken: ReadonlyMap<string, number>): Declared[] {
  const left = one.meaning & ~(taken.get(one.name) ?? 0)
  if (left === one.meaning) return [one]
  // The class is still the value, but what its type was is forgotten.
  if (one.kind === "class" && left === VALUE) return [variable(one.name, `declare let ${one.name}: any;`)]
  return []
}

function variable(name: string, text: string): Declared {
  return { name, text, meaning: VALUE, kind: "variable" }
}

function read(written: string): Declared[] {
  if (written.trim() === "") return []
  const tsc = typescript()
  const file = tsc.createSourceFile("declarations.d.ts", written, tsc.ScriptTarget.Latest, false)
  const textOfNode = (node: ts.Node) => written.slice(node.getStart(file), node.end)
  return file.statements.flatMap((statement): Declared[] => {
    // With the documentation before it.
    const text = written.slice(statement.pos, statement.end).trim()
    if (tsc.isVariableStatement(statement)) {
      const { declarations } = statement.declarationList
      const [first] = declarations
      const head = written.slice(statement.pos, first?.getStart(file)).trimStart()
      return declarations.map((one) => variable(textOfNode(one.name), `${head}${textOfNode(one)};`))
    }
    if (tsc.isImportDeclaration(statement)) return imported(statement, textOfNode)
    const { name } = statement as { name?: ts.Node }
    // Augmentations have no name of their own: one text, one name.
    const own = name !== undefined && tsc.isIdentifier(name) && !isGlobal(statement) ? name.text : text
    return [{ text, name: own, ...whatIs(statement) }]
  })
}

function isGlobal(statement: ts.Statement): boolean {
  return (statement.flags & typescript().NodeFlags.GlobalAugmentation) !== 0
}

function whatIs(statement: ts.Statement): Pick<Declared, "meaning" | "kind"> {
  const { SyntaxKind } = typescript()
  switch (statement.kind) {
    case SyntaxKind.FunctionDeclaration:
      return { meaning: VALUE, kind: "function" }
    case SyntaxKind.ClassDeclaration:
      return { meaning: VALUE | TYPE, kind: "class" }
    case SyntaxKind.EnumDeclaration:
      return { meaning: VALUE | TYPE, kind: "other" }
    case SyntaxKind.InterfaceDeclaration:
    case SyntaxKind.TypeAliasDeclaration:
      return { meaning: TYPE, kind: "other" }
    case SyntaxKind.ModuleDeclaration:
      return { meaning: VALUE | NAMESPACE, kind: "other" }
    default:
      return { meaning: ANY, kind: "import" }
  }
}

/** One import for each of its names. */
function imported(statement: ts.ImportDeclaration, textOfNode: (node: ts.Node) => string): Declared[] {
  const tsc = typescript()
  const { importClause: clause, moduleSpecifier, attributes } = statement
  if (clause === undefined) return []
  const start = clause.phaseModifier === tsc.SyntaxKind.TypeKeyword ? "import type" : "import"
  const from = `from ${textOfNode(moduleSpecifier)}${attributes === undefined ? "" : ` ${textOfNode(attributes)}`};`
  const one = (name: ts.Identifier, what: string): Declared => {
    return { name: name.text, text: `${start} ${what} ${from}`, meaning: ANY, kind: "import" }
  }
  const { name, namedBindings } = clause
  const first = name === undefined ? [] : [one(name, name.text)]
  if (namedBindings === undefined) return first
  if (tsc.isNamespaceImport(namedBindings))
    return [...first, one(namedBindings.name, textOfNode(namedBindings))]
  return [...first, ...namedBindings.elements.map((each) => one(each.name, `{ ${textOfNode(each)} }`))]
}
