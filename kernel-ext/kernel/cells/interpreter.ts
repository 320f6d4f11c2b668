import { join } from "node:path"
import { pathToFileURL } from "node:url"
import type { CellBindings } from "../../capture/types.ts"
import { inCell } from "../current-cell.ts"
import { toBundle } from "../display/bundle.ts"
import { interrupted } from "../keyboard-interrupt.ts"
import { ownWork } from "../own-work.ts"
import type { Cell, CellOutcome, Completeness, Interpreter, TypedSource } from "../types.ts"
import type { CompiledCell, Compiler } from "./compiler.ts"
import { isComplete } from "./completeness.ts"
import { complete } from "./completion.ts"
import { fromDiagnostics } from "./diagnostics.ts"
import { fromThrown } from "./failures.ts"
import { mappedStack } from "./frames.ts"
import type { ImportedModule } from "./import-statements.ts"
import { withKeptTypes } from "./injected-parameters.ts"
import { inspect } from "./inspection.ts"
import { KnownTypes } from "./known-types.ts"
import type { Modules } from "./modules.ts"
import { script } from "./native-import.ts"
import { type Outcome, runBody, runUsers, wrapBody } from "./run.ts"
import type { Scripts } from "./scripts.ts"
import { type CellSource, moduleName } from "./source.ts"
import { parameters, type RunnableCell, transform } from "./transform.ts"
import { createVariables } from "./variables.ts"
import { defineWaits } from "./waits.ts"

export interface Parts {
  readonly folder: string
  readonly compiler: Compiler
  readonly modules: Modules
  readonly scripts: Scripts
  /** Called once, by `close`. */
  onClose(): void
}

/** A cell on its way through the interpreter. */
interface Run {
  readonly cell: Cell
  readonly label: string
  /** The TypeScript that runs. */
  readonly code: string
  readonly typed: TypedSource
}

/** The parts put together: what happens to a cell, in order. */
export class CellInterpreter implements Interpreter {
  readonly bindings: CellBindings
  readonly #parts: Parts
  readonly #variables = createVariables()
  readonly #types: KnownTypes
  /** Text of the last definition of each name, for inspection. */
  readonly #definitions = new Map<string, string>()
  /** The type that each variable was last declared with, where one was written. */
  readonly #annotations = new Map<string, string>()
  /** `module` and `exports`, for cells that set them. */
  readonly #module = { exports: {} }

  constructor(parts: Parts) {
    this.#parts = parts
    this.#types = new KnownTypes(parts.compiler)
    defineWaits()
    const { folder, scripts } = parts
    const { cells, locate } = scripts
    this.bindings = { folder, lookup: this.#variables.lookup, scripts: () => cells, locate }
  }

  warm(): void {
    ownWork(() => this.#parts.compiler.warm())
  }

  async run(given: string, cell: Cell, source: TypedSource = asTyped(given)): Promise<CellOutcome> {
    const { compiler, modules, scripts } = this.#parts
    const { code, typed } = withKeptTypes(given, this.#annotations, source)
    const run: Run = { cell, code, typed, label: `cell ${cell.executionCount}` }
    const module = moduleName(code)
    if (module !== undefined) return this.#defineModule(module, run)
    const compiled = ownWork(() => compiler.compile(this.#types.declarations, code))
    if (compiled.status === "rejected")
      return {
        status: "error",
        error: fromDiagnostics(compiled.diagnostics, typed, run.label, compiled.hint),
      }
    const runnable = transform(compiled.javascript, {
      endsInExpression: compiled.source.endsInExpression,
      known: this.#variables.names,
      closedOver: this.#variables.closedOver,
      isPlainPackage: modules.isPlainPackage,
    })
    const outcome = await this.#execute(compiled, runnable, run)
    switch (outcome.status) {
      case "interrupted":
        return { status: "error", error: interrupted() }
      case "threw":
        return { status: "error", error: fromThrown(outcome.thrown, scripts) }
      case "returned":
        return await inCell(cell, () => this.#shown(outcome.value))
    }
  }

  #defineModule(name: string, { code, typed, label }: Run): CellOutcome {
    const { compiler, modules, folder } = this.#parts
    const diagnostics = ownWork(() => compiler.addModule(name, code))
    if (diagnostics.length > 0) return { status: "error", error: fromDiagnostics(diagnostics, typed, label) }
    modules.define(join(folder, `${name}.ts`), code)
    return { status: "ok" }
  }

  async #execute(compiled: CompiledCell, runnable: RunnableCell, run: Run): Promise<Outcome> {
    const { text, file } = this.#addScript(compiled, runnable, run)
    const { cell } = run
    const loaded =
      runnable.imports.length === 0 ? undefined : await runUsers(() => this.#load(runnable.imports), cell)
    if (loaded !== undefined && loaded.status !== "returned") return loaded
    const fresh = this.#declare(runnable)
    // From here on, because the cell itself may define names by magics.
    this.#types.become(compiled.declarations)
    this.#remember(compiled.source)
    const outcome = await runBody(() => script(text, file), this.#argumentsFor(loaded?.value), cell)
    if (outcome.status === "returned") this.#rememberLoads(runnable)
    else this.#types.forget(this.#variables.unreached(fresh))
    if (outcome.status === "returned") this.#variables.expect(fresh, false)
    return outcome
  }

  #remember({ names, definitions, annotations }: CellSource): void {
    for (const [name, definition] of definitions) this.#definitions.set(name, definition)
    for (const name of names) this.#annotations.delete(name)
    for (const [name, type] of annotations) this.#annotations.set(name, type)
  }

  #addScript(
    compiled: CompiledCell,
    { body, isAsync }: RunnableCell,
    run: Run,
  ): { text: string; file: string } {
    const { folder, scripts } = this.#parts
    const { before, after } = wrapBody(parameters, isAsync)
    body.prepend(before).append(after)
    const text = body.toString().replace(/\/\/# sourceMappingURL=.*\n?$/m, "")
    // In the notebook's folder, from which Node resolves its imports; the number tells runs of one cell apart.
    const file = join(folder, `${run.label.replace(" ", "-")}-${scripts.cells.length + 1}.js`)
    const { label, typed, code: typescript } = run
    scripts.addCell({ file, label, code: text, body, sourceMap: compiled.sourceMap, typed, typescript })
    return { text, file }
  }

  /** Makes the bindings of a cell's names; gives those that are new. */
  #declare({ names, imports }: RunnableCell): string[] {
    const variables = this.#variables
    const fresh = names.filter((name) => !variables.names.has(name))
    variables.declare(names)
    variables.expect(fresh, true)
    for (const name of names) variables.bindImport(name, undefined)
    for (const { specifier, bindings } of imports)
      for (const { local, name } of bindings) variables.bindImport(local, { specifier, name })
    return fresh
  }

  /** In the order of `parameters`. */
  #argumentsFor(imported: unknown): unknown[] {
    const { folder, modules } = this.#parts
    const filename = join(folder, "notebook.ts")
    const meta = {
      url: pathToFileURL(filename).href,
      filename,
      dirname: folder,
      resolve: modules.resolve,
    }
    const load = Object.assign((...args: Parameters<Modules["import"]>) => modules.import(...args), { meta })
    return [modules.require, this.#module.exports, this.#module, filename, folder, load, imported]
  }

  /** Values of the import bindings, in order. */
  async #load(imports: readonly ImportedModule[]): Promise<unknown[]> {
    const values: unknown[] = []
    for (const { specifier, attributes, bindings } of imports) {
      const namespace = await this.#parts.modules.load(specifier, attributes)
      for (const { name } of bindings) {
        if (name !== "*" && !(name in namespace))
          throw new SyntaxError(`The module "${specifier}" has no export named "${name}"`)
        values.push(name === "*" ? namespace : namespace[name])
      }
    }
    return values
  }

  /** `const x = require("…")` is as good as an import, for whoever asks what `x` is. */
  #rememberLoads({ loads }: RunnableCell): void {
    for (const { local, specifier, name } of loads) {
      const isModule = Object.prototype.toString.call(this.#variables.get(local)) === "[object Module]"
      this.#variables.bindImport(local, { specifier, name: name === "*" && !isModule ? "default" : name })
    }
  }

  async #shown(returned: unknown): Promise<CellOutcome> {
    const { scripts } = this.#parts
    if (!Array.isArray(returned) || returned[0] === undefined) return { status: "ok" }
    const describe = (error: Error) => mappedStack(String(error.stack ?? error), scripts)
    try {
      const bundle = await toBundle(returned[0], describe)
      return { status: "ok", ...(bundle && { bundle }) }
    } catch (thrown) {
      return { status: "error", error: fromThrown(thrown, scripts) }
    }
  }

  complete(code: string, offset: number) {
    return ownWork(() => complete(this.#parts.compiler, this.#types.declarations, code, offset))
  }

  inspect(code: string, offset: number, detail: 0 | 1) {
    return ownWork(() =>
      inspect(this.#parts.compiler, this.#types.declarations, this.#definitions, code, offset, detail),
    )
  }

  isComplete(code: string): Completeness {
    return ownWork(() => isComplete(code, this.#parts.compiler.usesJsx()))
  }

  explain(thrown: unknown) {
    return fromThrown(thrown, this.#parts.scripts)
  }

  define(name: string, value: unknown, type: string): void {
    this.#types.define(name, type)
    this.#definitions.delete(name)
    this.#variables.declare([name])
    this.#variables.bindImport(name, undefined)
    this.#variables.expect([name], false)
    this.#variables.set(name, value)
  }

  async close(): Promise<void> {
    this.#parts.compiler.close()
    this.#parts.onClose()
  }
}

function asTyped(text: string): TypedSource {
  return { text, toTyped: (offset) => offset }
}
