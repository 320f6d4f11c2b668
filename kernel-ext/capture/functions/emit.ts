import { createHash } from "node:crypto"
import type { Range } from "./free-names.ts"
import type { Origin } from "./origins.ts"
import type { FunctionSyntax } from "./syntax.ts"

/**
 * Writes the shipped JavaScript: plain lexical code, in which each context is a function that declares the context's
 * variables and holds the templates of the functions that see them.
 *
 *     (function (require, $imprt, …) {
 *       let helper, scale                                                    // variables of the cells
 *       return [
 *         ($v) => { if (0 in $v) helper = $v[0]; … },                        // sets those that are there
 *         [($cellfan) => ({ ["double"]: (x) => x * scale })["double"]],      // templates: one per function
 *         [() => { let calls; return [ … ] }],                               // contexts within this one
 *       ]
 *     })
 *
 * The same text comes out for the same functions, whatever the values: its hash names it in workers.
 */

/**
 * What the worker hands to the code; `$imprt` stands for the word `import`, which has its length. Those from `__import`
 * on are what the kernel calls the same things in cells.
 */
export const codeParameters = ["require", "$imprt", "__import", "__meta", "__filename", "__dirname"] as const

export interface Template {
  readonly syntax: FunctionSyntax
  /** The function's `name`, for functions that take theirs from where they stand. */
  readonly givenName: string
  /** Whether the function's own name is left out because it means a variable around it. */
  readonly unnamed: boolean
  readonly strict: boolean
  readonly origin: Origin
}

/** Variables that functions share, and the functions. */
export class Shape {
  readonly index: number
  readonly variables: string[] = []
  /** Declared, but to be read only after an assignment: reading throws, as it does in the cell. */
  readonly uninitialized = new Set<string>()
  readonly templates: Template[] = []
  readonly children: Shape[] = []
  readonly #byKey = new Map<string, number>()
  readonly #childByKey = new Map<string, Shape>()

  constructor(index: number) {
    this.index = index
  }

  declare(name: string): void {
    if (!this.variables.includes(name)) this.variables.push(name)
  }

  template(key: string, make: () => Template): number {
    const known = this.#byKey.get(key)
    if (known !== undefined) return known
    const index = this.templates.push(make()) - 1
    this.#byKey.set(key, index)
    return index
  }

  child(key: string): Shape {
    const known = this.#childByKey.get(key)
    if (known !== undefined) return known
    const shape = new Shape(this.children.length)
    this.children.push(shape)
    this.#childByKey.set(key, shape)
    return shape
  }
}

/** A stretch of the shipped code that was copied from a function's text. */
export interface Piece {
  readonly start: number
  readonly length: number
  readonly template: Template
  /** Offset of the stretch in the function's text. */
  readonly from: number
}

export interface Emitted {
  readonly text: string
  readonly hash: string
  /** By `start`. */
  readonly pieces: readonly Piece[]
}

export function emit(root: Shape): Emitted {
  const writer = new Writer()
  writer.write(`(function (${codeParameters.join(", ")}) {`)
  writer.contextBody(root)
  writer.write("})")
  const text = writer.text
  return { text, hash: createHash("sha256").update(text).digest("hex").slice(0, 32), pieces: writer.pieces }
}

class Writer {
  text = ""
  readonly pieces: Piece[] = []

  write(text: string): void {
    this.text += text
  }

  contextBody(shape: Shape): void {
    const live = shape.variables.filter((name) => !shape.uninitialized.has(name))
    if (live.length > 0) this.write(`let ${live.join(", ")}\n`)
    const setters = shape.variables.map((name, at) =>
      shape.uninitialized.has(name) ? "" : `if (${at} in $v) ${name} = $v[${at}];`,
    )
    this.write(`return [($v) => {${setters.join("")}},\n[`)
    for (const template of shape.templates) this.#template(template)
    this.write("],\n[")
    for (const child of shape.children) {
      this.write("() => {")
      this.contextBody(child)
      this.write("},\n")
    }
    this.write("]]\n")
    // Never reached, so never initialized.
    if (shape.uninitialized.size > 0) this.write(`let ${[...shape.uninitialized].join(", ")}\n`)
  }

  #template(template: Template): void {
    const { syntax } = template
    this.write(`($cellfan) => {${template.strict && !syntax.strict ? '"use strict";' : ""}return `)
    const name = JSON.stringify(template.givenName)
    switch (syntax.form) {
      case "method":
        this.write("($cellfan.home = {\n")
        this.#source(template)
        this.write(`\n})[${name}]`)
        break
      case "getter":
      case "setter":
        this.write("Object.getOwnPropertyDescriptor($cellfan.home = {\n")
        this.#source(template)
        this.write(`\n}, ${name}).${syntax.form === "getter" ? "get" : "set"}`)
        break
      default: {
        const named = (syntax.name !== undefined && !template.unnamed) || template.givenName === ""
        this.write(named ? "(\n" : `({ [${name}]:\n`)
        this.#source(template)
        this.write(named ? "\n)" : `\n})[${name}]`)
      }
    }
    this.write("},\n")
  }

  #source(template: Template): void {
    const { source } = template.syntax
    let at = 0
    for (const edit of editsOf(template)) {
      this.#copy(template, at, edit.start)
      this.write(edit.text)
      at = edit.end
    }
    this.#copy(template, at, source.length)
  }

  #copy(template: Template, from: number, to: number): void {
    if (to <= from) return
    this.pieces.push({ start: this.text.length, length: to - from, template, from })
    this.write(template.syntax.source.slice(from, to))
  }
}

interface Edit extends Range {
  readonly text: string
}

/** What is written in place of parts of the function's text, in order. */
function editsOf({ syntax, givenName, unnamed }: Template): Edit[] {
  const edits: Edit[] = []
  const replace = (range: Range, text: string): void => {
    edits.push({ start: range.start, end: range.end, text })
  }
  if (unnamed && syntax.name !== undefined) replace(syntax.name.range, "")
  if (syntax.key !== undefined) replace(syntax.key, `[${JSON.stringify(givenName)}]`)
  for (const word of syntax.around.importWords) replace(word, "$imprt")
  if (syntax.form === "arrow") {
    for (const range of syntax.around.outerThis) replace(range, "$cellfan.self")
    for (const range of syntax.around.outerArguments) replace(range, "$cellfan.args")
  }
  if (syntax.class !== undefined) {
    const { heritage, removed, computedKeys, staticPrivates, bodyEnd } = syntax.class
    if (heritage !== undefined) replace(heritage, "$cellfan.base")
    for (const range of removed) replace(range, ";")
    computedKeys.forEach(({ key, constant }, index) => {
      if (!constant) replace(key, `$cellfan.keys[${index}]`)
    })
    for (const { initializer } of staticPrivates)
      if (initializer !== undefined) replace(initializer, "undefined")
    if (staticPrivates.length > 0) {
      const setters = staticPrivates.map(({ name }, index) => `this.${name} = $v[${index}];`)
      replace(
        { start: bodyEnd, end: bodyEnd },
        `;static { $cellfan.setPrivates = ($v) => {${setters.join("")}} }`,
      )
    }
  }
  return edits.sort((one, other) => one.start - other.start)
}
