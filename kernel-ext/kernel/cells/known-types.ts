import type { Compiler } from "./compiler.ts"
import { Declarations } from "./declarations.ts"

/** TypeScript declarations of the notebook's names, which each cell is checked after. */
export class KnownTypes {
  readonly #compiler: Compiler
  #declarations = Declarations.none
  /** Types of names that were defined since the last cell: together they cost one run of the compiler. */
  readonly #defined = new Map<string, string>()

  constructor(compiler: Compiler) {
    this.#compiler = compiler
  }

  define(name: string, type: string): void {
    this.#defined.set(name, type)
  }

  get declarations(): Declarations {
    if (this.#defined.size > 0) this.#adoptDefined()
    return this.#declarations
  }

  /** What a cell's compilation says that is known after it. */
  become(declarations: Declarations): void {
    this.#declarations = declarations
  }

  /** A cell ended before it came to these names. */
  forget(names: readonly string[]): void {
    if (names.length > 0) this.#declarations = this.#declarations.without(new Set(names))
  }

  #adoptDefined(): void {
    const defined = [...this.#defined].map(([name, type]) => ({
      name,
      text: `declare let ${name}: ${type};`,
    }))
    this.#defined.clear()
    if (this.#adopt(defined.map(({ text }) => text).join(" "))) return
    // One of the types is wrong; its name is still there, and can be anything.
    for (const { name, text } of defined) this.#adopt(text) || this.#adopt(`declare let ${name}: any;`)
  }

  /** False where the declarations are wrong. */
  #adopt(code: string): boolean {
    const compiled = this.#compiler.compile(this.#declarations, code)
    if (compiled.status === "compiled") this.#declarations = compiled.declarations
    return compiled.status === "compiled"
  }
}
