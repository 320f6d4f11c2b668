import type { AnyNode, ClassExpression, Options } from "acorn"
import { acorn } from "../acorn.ts"
import { type Range, type Surroundings, surroundings } from "./free-names.ts"

/** What the source text of a function says about it. Memoised by text: cells are captured over and over. */

export type FunctionForm = "function" | "arrow" | "method" | "getter" | "setter" | "class"

export interface FunctionSyntax {
  readonly source: string
  readonly form: FunctionForm
  /** Its own name in `function name` or `class name`. */
  readonly name: { readonly text: string; readonly range: Range } | undefined
  /** Key of a method or accessor as written, brackets included. */
  readonly key: Range | undefined
  /** Whether the body begins with "use strict". */
  readonly strict: boolean
  /** Ranges are offsets in `source`. */
  readonly around: Surroundings
  readonly class: ClassSyntax | undefined
}

export interface ClassSyntax {
  /** The expression after `extends`. */
  readonly heritage: Range | undefined
  /** Static fields and blocks: their effects travel as data, so that what changed since is kept. */
  readonly removed: readonly Range[]
  /** Static `#fields`: declared in the worker, set from data. */
  readonly staticPrivates: readonly { readonly name: string; readonly initializer: Range | undefined }[]
  /** `#names` of the instances: fields, methods, accessors. */
  readonly instancePrivates: readonly string[]
  /** Computed keys of methods and accessors, brackets excluded, with the member's text. */
  readonly computedKeys: readonly {
    readonly key: Range
    readonly text: string
    readonly isStatic: boolean
    readonly constant: boolean
  }[]
  /** Texts of all methods and accessors: a prototype's function with another text has been replaced. */
  readonly memberTexts: ReadonlySet<string>
  /** Texts of the arrow functions that instance fields begin as: their `this` is the instance. */
  readonly arrowFields: ReadonlySet<string>
  /** Offset of the closing brace. */
  readonly bodyEnd: number
}

const parserOptions: Options = {
  ecmaVersion: "latest",
  sourceType: "script",
  allowAwaitOutsideFunction: true,
  allowSuperOutsideMethod: true,
  allowReturnOutsideFunction: true,
  allowImportExportEverywhere: true,
  checkPrivateFields: false,
}

const memo = new Map<string, FunctionSyntax>()

/** Function texts kept; beyond, the oldest goes. */
const maxMemo = 2000

/** @throws SyntaxError where the text is not a function's. */
export function parseFunction(source: string): FunctionSyntax {
  const known = memo.get(source)
  if (known !== undefined) return known
  const syntax = parse(source)
  for (const oldest of memo.size < maxMemo ? [] : memo.keys()) {
    memo.delete(oldest)
    break
  }
  memo.set(source, syntax)
  return syntax
}

function parse(source: string): FunctionSyntax {
  const expression = tryParse(source)
  if (expression !== undefined) return describe(source, expression)
  // A method's text is no expression: it is one within an object literal.
  const open = "({"
  const literal = acorn().parseExpressionAt(`${open}${source}})`, 0, parserOptions)
  if (literal.type !== "ObjectExpression") throw new SyntaxError("This is not the text of a function")
  const [member] = literal.properties
  if (member?.type !== "Property" || member.value.type !== "FunctionExpression") {
    throw new SyntaxError("This is not the text of a function")
  }
  const shift = -open.length
  const bodyStart = member.value.start
  const form = member.kind === "get" ? "getter" : member.kind === "set" ? "setter" : "method"
  return {
    source,
    form,
    name: undefined,
    key: { start: keyStart(source, member.key.start + shift, member.computed), end: bodyStart + shift },
    strict: isStrict(member.value),
    around: shifted(surroundings(member.value), shift),
    class: undefined,
  }
}

function tryParse(source: string): AnyNode | undefined {
  try {
    const node = acorn().parseExpressionAt(source, 0, parserOptions)
    return node.end === source.trimEnd().length ? node : undefined
  } catch (error) {
    if (isNewTargetOutside(error)) throw error
    return undefined
  }
}

/** An arrow function is parsed apart from the function whose `new.target` it uses. */
export function isNewTargetOutside(error: unknown): boolean {
  return error instanceof SyntaxError && error.message.includes("'new.target'")
}

function keyStart(source: string, start: number, computed: boolean): number {
  return computed ? source.lastIndexOf("[", start) : start
}

function describe(source: string, node: AnyNode): FunctionSyntax {
  switch (node.type) {
    case "FunctionExpression":
    case "ArrowFunctionExpression":
      return {
        source,
        form: node.type === "FunctionExpression" ? "function" : "arrow",
        name: ownName(node),
        key: undefined,
        strict: isStrict(node),
        around: surroundings(anonymous(node)),
        class: undefined,
      }
    case "ClassExpression":
      return {
        source,
        form: "class",
        name: ownName(node),
        key: undefined,
        strict: true,
        ...describeClass(source, node),
      }
    default:
      throw new SyntaxError("This is not the text of a function")
  }
}

/** A function's own name counts as free: whether it means the function itself or a variable is for the caller to see. */
function anonymous(node: AnyNode): AnyNode {
  return node.type === "FunctionExpression" ? { ...node, id: null } : node
}

function ownName(node: { id?: { name: string; start: number; end: number } | null }): FunctionSyntax["name"] {
  return node.id == null
    ? undefined
    : { text: node.id.name, range: { start: node.id.start, end: node.id.end } }
}

function isStrict(node: { body: AnyNode }): boolean {
  if (node.body.type !== "BlockStatement") return false
  const [first] = node.body.body
  return first?.type === "ExpressionStatement" && first.directive === "use strict"
}

function describeClass(source: string, node: ClassExpression): { around: Surroundings; class: ClassSyntax } {
  const removed: AnyNode[] = []
  const skipped = new Set<AnyNode>()
  const staticPrivates: { name: string; initializer: Range | undefined }[] = []
  const computedKeys: ClassSyntax["computedKeys"][number][] = []
  const memberTexts = new Set<string>()
  const instancePrivates = node.body.body.flatMap((member) =>
    member.type !== "StaticBlock" && !member.static && member.key.type === "PrivateIdentifier"
      ? [`#${member.key.name}`]
      : [],
  )
  const arrowFields = new Set(
    node.body.body.flatMap((member) =>
      member.type === "PropertyDefinition" && member.value?.type === "ArrowFunctionExpression"
        ? [source.slice(member.value.start, member.value.end)]
        : [],
    ),
  )
  if (node.superClass != null) skipped.add(node.superClass)
  for (const member of node.body.body) {
    if (member.type === "StaticBlock") removed.push(member)
    else if (member.type === "PropertyDefinition" && member.static) {
      if (member.key.type !== "PrivateIdentifier") removed.push(member)
      else {
        staticPrivates.push({ name: `#${member.key.name}`, initializer: member.value ?? undefined })
        if (member.value != null) skipped.add(member.value)
      }
    } else if (member.type === "MethodDefinition") {
      const text = source.slice(member.start, member.end)
      memberTexts.add(member.static ? text.replace(/^static\s+/, "") : text)
      memberTexts.add(text)
      if (member.computed) {
        const constant = [...surroundings(member.key).free].every((name) => name === "Symbol")
        computedKeys.push({ key: member.key, text, isStatic: member.static, constant })
        skipped.add(member.key)
      }
    }
  }
  for (const member of removed) skipped.add(member)
  return {
    around: surroundings(node, skipped),
    class: {
      heritage: node.superClass ?? undefined,
      removed,
      staticPrivates,
      instancePrivates,
      arrowFields,
      computedKeys,
      memberTexts,
      bodyEnd: node.body.end - 1,
    },
  }
}

function shifted(around: Surroundings, by: number): Surroundings {
  const move = (ranges: readonly Range[]) =>
    ranges.map(({ start, end }) => ({ start: start + by, end: end + by }))
  return {
    free: around.free,
    globals: around.globals,
    usesSuper: around.usesSuper,
    usesEval: around.usesEval,
    outerPrivates: around.outerPrivates,
    specifiers: around.specifiers,
    outerThis: move(around.outerThis),
    outerArguments: move(around.outerArguments),
    importWords: move(around.importWords),
  }
}
