import type ts from "typescript"
import { typescript } from "../cells/typescript.ts"
import { declaredNames, isMissing, nesting, nodeAt, type Parsed, parse } from "./syntax.ts"

/** Whether what looks like a magic is one. Whatever is TypeScript stays TypeScript. */

/** What the notebook knows of names. */
export interface Names {
  /** Whether there is a magic of this name, or an answer for it. */
  isMagic(name: string): boolean
  /** Whether a magic of this name names a class, which can never be an operand of `%`. */
  isExecutor(name: string): boolean
  /** Whether code of the notebook can refer to `name`. */
  isBound(name: string): boolean
  /** Whether it can and what it finds may be an operand of `%`: `const jobs = %jobs` makes no operand of `jobs`. */
  isOperand(name: string): boolean
}

export interface FoundMagic {
  /** `help` is `%NAME?`; `inspect` is `x?` and `?x`; `shell` is `!ls`. */
  readonly kind: "line" | "help" | "inspect" | "shell"
  /** `%` or `%%`, `!`, `?`, … */
  readonly mark: string
  /** From the first mark to the end of what belongs to the magic, in offsets of the cell. */
  readonly start: number
  readonly end: number
  /** `time` of `%time f()`; what is asked about in `x?`; the command of `!ls`. */
  readonly name: string
  readonly args: string
  readonly argsStart: number
  /** The variable of `x = %jobs`; undefined where the magic is a statement of its own. */
  readonly assigned: string | undefined
  /** Where the statement begins that assigns to a variable nobody has declared, which IPython lets one do. */
  readonly declareAt?: number | undefined
  readonly nesting: "top" | "async" | "sync"
}

/** The magic that the candidate `mark` at `at` is; undefined where it is TypeScript. */
export function readMagic(code: string, at: number, mark: string, names: Names): FoundMagic | undefined {
  const parsed = parse(code)
  if (mark.startsWith("%")) return readPercent(code, at, mark, parsed, names)
  if (mark.startsWith("!")) return readShell(code, at, mark, parsed, names)
  return readQuestion(code, at, mark, parsed)
}

function readPercent(
  code: string,
  at: number,
  mark: string,
  parsed: Parsed,
  names: Names,
): FoundMagic | undefined {
  const operator = nodeAt(parsed.file, at, typescript().isBinaryExpression)
  if (operator === undefined || !isOperatorAt(operator, at)) return undefined
  const nameStart = at + mark.length
  const name = /^\w+/.exec(code.slice(nameStart))?.[0] ?? ""
  const argsStart = nameStart + name.length
  const end = lineEnd(code, argsStart)
  const args = code.slice(argsStart, end)
  const help = /^\?{1,2}[ \t]*;?[ \t]*$/.test(args)
  const assigned = assignedName(operator)
  const place = { start: at, end, mark, name, args: joinLines(args), argsStart } as const
  const kind = help ? "help" : "line"
  if (isMissing(leftmost(operator))) {
    const isStatement = statementStart(operator) === at
    if (!isStatement && assigned === undefined) return undefined
  } else {
    // `a⏎%b` is a remainder. It is a magic only where it cannot be TypeScript.
    const statement = statementEndedBefore(operator)
    const isOperandMissing = parsed.errors.some((error) => error.start === at)
    if (statement === undefined || isOperandMissing) return undefined
    const isCode = !parsed.errors.some((error) => error.start >= at && error.start <= nextToken(code, end))
    const brokenHelp = help && parsed.errors.some((error) => error.start >= at)
    const isOperand = names.isOperand(name) || declaredNames(parsed.file).has(name)
    if (isCode && !brokenHelp && !names.isExecutor(name) && (isOperand || !names.isMagic(name)))
      return undefined
    return { ...place, kind, assigned: undefined, nesting: nesting(statement) }
  }
  const declareAt = assigned === undefined ? undefined : undeclaredAt(operator, parsed, names)
  return { ...place, kind, assigned, declareAt, nesting: nesting(operator) }
}

function isOperatorAt(node: ts.BinaryExpression, at: number): boolean {
  return (
    node.operatorToken.kind === typescript().SyntaxKind.PercentToken && node.operatorToken.getStart() === at
  )
}

function leftmost(node: ts.BinaryExpression): ts.Node {
  let left: ts.Node = node.left
  // `%%time` reads as two operators with nothing between them.
  while (
    typescript().isBinaryExpression(left) &&
    left.operatorToken.kind === typescript().SyntaxKind.PercentToken
  )
    left = left.left
  return left
}

/** Start of the expression statement that `node` stands in, undefined where it stands in another place. */
function statementStart(node: ts.Node): number | undefined {
  let at = node
  while (typescript().isBinaryExpression(at.parent) || typescript().isConditionalExpression(at.parent))
    at = at.parent
  return typescript().isExpressionStatement(at.parent) ? at.parent.getStart() : undefined
}

/** Start of `x = …` at the top of the cell, where there is no `x` yet. */
function undeclaredAt(node: ts.Node, { file }: Parsed, names: Names): number | undefined {
  let at = node
  while (typescript().isBinaryExpression(at.parent)) at = at.parent
  if (!typescript().isBinaryExpression(at) || !typescript().isIdentifier(at.left)) return undefined
  const { parent } = at
  if (!typescript().isExpressionStatement(parent) || parent.parent !== file) return undefined
  const name = at.left.text
  return names.isBound(name) || declaredNames(file).has(name) ? undefined : parent.getStart()
}

/** The variable that a magic's result goes to: `const x = %jobs`, `x = %jobs`. */
function assignedName(node: ts.Node): string | undefined {
  let at = node
  while (typescript().isBinaryExpression(at.parent) && at.parent.left === at) at = at.parent
  const { parent } = at
  if (typescript().isVariableDeclaration(parent) && parent.initializer === at) return parent.name.getText()
  const isAssignment =
    typescript().isBinaryExpression(parent) &&
    parent.operatorToken.kind === typescript().SyntaxKind.EqualsToken
  if (isAssignment && parent.right === at && typescript().isExpressionStatement(parent.parent))
    return parent.left.getText()
  return undefined
}

/** The statement around `node` that could have ended before its operator: no bracket is open between the two. */
function statementEndedBefore(node: ts.Node): ts.Node | undefined {
  for (let at = node; ; at = at.parent) {
    const { parent } = at
    if (typescript().isExpressionStatement(parent) || typescript().isReturnStatement(parent)) return parent
    if (
      typescript().isThrowStatement(parent) ||
      typescript().isVariableStatement(parent) ||
      typescript().isExportAssignment(parent)
    )
      return parent
    const open =
      typescript().isBinaryExpression(parent) ||
      typescript().isConditionalExpression(parent) ||
      typescript().isPrefixUnaryExpression(parent) ||
      typescript().isAwaitExpression(parent) ||
      typescript().isVoidExpression(parent) ||
      typescript().isTypeOfExpression(parent) ||
      typescript().isYieldExpression(parent) ||
      (typescript().isArrowFunction(parent) && parent.body === at) ||
      (typescript().isVariableDeclaration(parent) && parent.initializer === at) ||
      (typescript().isVariableDeclarationList(parent) && typescript().isVariableStatement(parent.parent))
    if (!open) return undefined
  }
}

function readShell(
  code: string,
  at: number,
  mark: string,
  parsed: Parsed,
  names: Names,
): FoundMagic | undefined {
  const negation = nodeAt(parsed.file, at, typescript().isPrefixUnaryExpression)
  if (negation === undefined || negation.getStart() > at) return undefined
  const assigned = assignedName(negation)
  if (assigned === undefined && statementStart(negation) !== at) return undefined
  const start = at + mark.length
  const end = lineEnd(code, start)
  const broken = parsed.errors.some((error) => error.start >= at && error.start <= end)
  // `!ls -la` parses: a name that nobody knows, and words after it, are no TypeScript all the same.
  const word = /^[\w$]+(?=\s|$)/.exec(code.slice(start))?.[0]
  const unbound = word !== undefined && !(names.isBound(word) || declaredNames(parsed.file).has(word))
  // `files = !ls` is one too, where neither name is known; a declaration of `files` says that it is meant as TypeScript.
  const isTypeScript = assigned !== undefined && undeclaredAt(negation, parsed, names) === undefined
  if (!broken && (!unbound || isTypeScript)) return undefined
  const name = code.slice(start, end).trim()
  return {
    kind: "shell",
    mark,
    start: at,
    end,
    name,
    args: "",
    argsStart: end,
    assigned,
    nesting: nesting(negation),
  }
}

function readQuestion(code: string, at: number, mark: string, parsed: Parsed): FoundMagic | undefined {
  const node = nodeAt(
    parsed.file,
    at,
    (n): n is ts.ConditionalExpression | ts.BinaryExpression =>
      (typescript().isConditionalExpression(n) && n.questionToken.getStart() === at) ||
      (typescript().isBinaryExpression(n) && n.operatorToken.getStart() === at),
  )
  // The parser steps over a `?` that begins a statement.
  if (node === undefined && !parsed.errors.some((error) => error.start === at)) return undefined
  // A conditional expression with all its parts is TypeScript, over however many lines.
  if (node !== undefined && !isUnfinished(node)) return undefined
  const lineStart = code.lastIndexOf("\n", at - 1) + 1
  const before = code.slice(lineStart, at).trim()
  const end = lineEnd(code, at + mark.length)
  const after = code.slice(at + mark.length, end).replace(/;?\s*$/, "")
  const magicName = /^%{1,2}(\w+)$/.exec(after)?.[1]
  const start = before === "" ? at : code.indexOf(before, lineStart)
  const place = { start, end, mark, args: "", argsStart: end, assigned: undefined } as const
  const around = nesting(node ?? parsed.file)
  if (magicName !== undefined) return { ...place, kind: "help", name: magicName, nesting: around }
  return { ...place, kind: "inspect", name: before === "" ? after : before, nesting: around }
}

function isUnfinished(node: ts.ConditionalExpression | ts.BinaryExpression): boolean {
  return typescript().isConditionalExpression(node)
    ? isMissing(node.colonToken) || isMissing(node.condition)
    : isMissing(node.right) || isMissing(node.left)
}

/** End of the line at `from`, without its line break; a backslash before the break continues the line. */
export function lineEnd(code: string, from: number): number {
  const end = /(?<!\\\r?)(?=\r?\n)|$/g
  end.lastIndex = from
  return end.exec(code)?.index ?? code.length
}

/** Start of what follows `from` after blanks. */
function nextToken(code: string, from: number): number {
  const token = /\S|$/g
  token.lastIndex = from
  return token.exec(code)?.index ?? code.length
}

/** Arguments that go on over lines, as if they stood on one. */
export function joinLines(args: string): string {
  return args.replaceAll(/\\(\r?\n)/g, (_, lineBreak: string) => ` ${lineBreak}`)
}
