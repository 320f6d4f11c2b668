import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import "./cells/stand-in.ts"
import * as tslab from "tslab"
import { createConverter } from "tslab/dist/converter.js"
import jupyter from "tslab/dist/jupyter.js"
import type { CellBindings } from "../capture/types.ts"
import { type CompiledCell, createCompiler } from "./cells/compiler.ts"
import { isComplete } from "./cells/completeness.ts"
import { complete } from "./cells/completion.ts"
import { without } from "./cells/declarations.ts"
import { fromDiagnostics, fromThrown, interrupted, mappedStack } from "./cells/failures.ts"
import { inspect } from "./cells/inspection.ts"
import { createModules } from "./cells/modules.ts"
import { script } from "./cells/native-import.ts"
import { type Outcome, runBody, untilInterrupted, wrapBody } from "./cells/run.ts"
import { createScripts } from "./cells/scripts.ts"
import { moduleName } from "./cells/source.ts"
import { type ImportedModule, parameters, type RunnableCell, transform } from "./cells/transform.ts"
import { createVariables } from "./cells/variables.ts"
import { inCell } from "./current-cell.ts"
import { toBundle } from "./display/bundle.ts"
import { displayForTslab } from "./display/tslab.ts"
import type { Cell, CellOutcome, Interpreter, TypedSource } from "./types.ts"

/**
 * Runs TypeScript, cell by cell. What the parts in cells/ do:
 *
 *     compiler      checks a cell and takes its types off, by tslab's converter over stock TypeScript
 *                   (stand-in, program, session, typescript, quick-info, watched-files; source: what the text says)
 *     declarations  types of what earlier cells declared
 *     transform     makes declarations assignments to the notebook's variables (scope, loops, globals)
 *     variables     the notebook's variables
 *     modules       imports (side-modules: files beside the notebook; namespaces; native-import)
 *     run           runs the code and ends it when the user interrupts
 *     scripts       positions in what ran → positions in what was typed
 *     failures      errors of types and of users' code as Jupyter shows them (code-frame)
 *     completion, inspection, completeness  answers for editors
 */

export interface InterpreterOptions {
  /** Absolute folder that imports resolve from: the notebook's. */
  readonly folder: string
  /** Modules that cells get from the kernel itself, whatever is installed: `{ cellfan: the library's namespace }`. */
  readonly modules?: Readonly<Record<string, unknown>>
  /** The declaration file of each of `modules`. Default: cellfan's own, beside this program. */
  readonly declarations?: Readonly<Record<string, string>>
  /** False runs cells that have type errors; syntax errors still stop them. Default: true. */
  readonly typeCheck?: boolean
  /** Folder for V8's code cache, so that the compiler loads faster the next time. None: no cache is kept. */
  readonly cacheFolder?: string
}

/** Runs TypeScript cell by cell in this process. */
export function createInterpreter(options: InterpreterOptions): Interpreter {
  const { folder } = options
  const compiler = createCompiler({
    folder,
    declarations: options.declarations ?? ownDeclarations(),
    typeCheck: options.typeCheck ?? true,
    cacheFolder: options.cacheFolder,
    createConverter,
  })
  const variables = createVariables()
  const scripts = createScripts(folder)
  const own = new Map<string, unknown>([["tslab", tslab], ...Object.entries(options.modules ?? {})])
  // What tslab's display API calls, which otherwise only its own kernel sets.
  Object.assign(jupyter, { lastWriteDisplayData: displayForTslab })
  const modules = createModules({ folder, own, session: compiler.session, onScript: scripts.addModule })
  const definitions = new Map<string, string>()
  const shared = { exports: {} }
  let declarations = ""

  const bindings: CellBindings = { folder, lookup: variables.lookup, scripts: () => scripts.cells }

  async function run(code: string, cell: Cell, typed: TypedSource = asTyped(code)): Promise<CellOutcome> {
    const label = `cell ${cell.executionCount}`
    const module = moduleName(code)
    if (module !== undefined) return defineModule(module, code, typed, label)
    const compiled = compiler.compile(declarations, code)
    if (compiled.status === "rejected")
      return { status: "error", error: fromDiagnostics(compiled.diagnostics, typed, label) }
    const runnable = transform(compiled.javascript, {
      endsInExpression: compiled.source.endsInExpression,
      known: variables.names,
      closedOver: variables.closedOver,
      isPlainPackage: modules.isPlainPackage,
    })
    const outcome = await execute(compiled, runnable, code, cell, typed, label)
    switch (outcome.status) {
      case "interrupted":
        return { status: "error", error: interrupted() }
      case "threw":
        return { status: "error", error: fromThrown(outcome.thrown, scripts) }
      case "returned":
        return await inCell(cell, () => shown(outcome.value))
    }
  }

  function defineModule(name: string, code: string, typed: TypedSource, label: string): CellOutcome {
    const diagnostics = compiler.addModule(name, code)
    if (diagnostics.length > 0) return { status: "error", error: fromDiagnostics(diagnostics, typed, label) }
    modules.define(join(folder, `${name}.ts`), code)
    return { status: "ok" }
  }

  async function shown(returned: unknown): Promise<CellOutcome> {
    if (!Array.isArray(returned) || returned[0] === undefined) return { status: "ok" }
    const describe = (error: Error) => mappedStack(String(error.stack ?? error), scripts)
    try {
      const bundle = await toBundle(returned[0], describe)
      return { status: "ok", ...(bundle && { bundle }) }
    } catch (thrown) {
      return { status: "error", error: fromThrown(thrown, scripts) }
    }
  }

  async function execute(
    compiled: CompiledCell,
    runnable: RunnableCell,
    code: string,
    cell: Cell,
    typed: TypedSource,
    label: string,
  ): Promise<Outcome> {
    const { body, names, imports, isAsync } = runnable
    const { before, after } = wrapBody(parameters, isAsync)
    body.prepend(before).append(after)
    const text = body.toString().replace(/\/\/# sourceMappingURL=.*\n?$/m, "")
    const file = join(folder, `${label.replace(" ", "-")}-${scripts.cells.length + 1}.js`)
    scripts.addCell({ file, label, code: text, body, sourceMap: compiled.sourceMap, typed, typescript: code })

    const loading =
      imports.length > 0
        ? await untilInterrupted(
            inCell(cell, () => load(imports)),
            cell.signal,
          )
        : undefined
    if (loading !== undefined && loading.status !== "returned") return loading
    const fresh = names.filter((name) => !variables.names.has(name))
    variables.declare(names)
    variables.expect(fresh, true)
    for (const name of names) variables.bindImport(name, undefined)
    for (const { specifier, bindings } of imports)
      for (const { local, name } of bindings) variables.bindImport(local, { specifier, name })
    // From here on, because the cell itself may define names by magics.
    declarations = compiled.declarations
    for (const [name, definition] of compiled.source.definitions) definitions.set(name, definition)

    const outcome = await runBody(() => script(text, file), argumentsFor(loading?.value), cell)
    if (outcome.status === "returned") rememberLoads(runnable)
    else declarations = without(declarations, new Set(variables.unreached(fresh)))
    if (outcome.status === "returned") variables.expect(fresh, false)
    return outcome
  }

  function argumentsFor(imported: unknown): unknown[] {
    const url = new URL(`file://${join(folder, "notebook.ts")}`)
    const meta = {
      url: url.href,
      filename: join(folder, "notebook.ts"),
      dirname: folder,
      resolve: modules.require.resolve,
    }
    return [modules.require, shared.exports, shared, meta.filename, folder, modules.import, meta, imported]
  }

  /** Values of the import bindings, in order. */
  async function load(imports: readonly ImportedModule[]): Promise<unknown[]> {
    const values: unknown[] = []
    for (const { specifier, attributes, bindings } of imports) {
      const namespace = await modules.load(specifier, attributes)
      for (const { name } of bindings) {
        if (name !== "*" && !(name in namespace))
          throw new SyntaxError(`The module "${specifier}" has no export named "${name}"`)
        values.push(name === "*" ? namespace : namespace[name])
      }
    }
    return values
  }

  /** `const x = require("…")` is as good as an import, for whoever asks what `x` is. */
  function rememberLoads({ loads }: RunnableCell): void {
    for (const { local, specifier, name } of loads) {
      const isModule = Object.prototype.toString.call(variables.get(local)) === "[object Module]"
      variables.bindImport(local, { specifier, name: name === "*" && !isModule ? "default" : name })
    }
  }

  return {
    bindings,
    warm: compiler.warm,
    run,
    complete: (code, offset) => complete(compiler, declarations, code, offset),
    inspect: (code, offset, detail) => inspect(compiler, declarations, definitions, code, offset, detail),
    isComplete,
    explain: (thrown) => fromThrown(thrown, scripts),
    define(name, value, type) {
      const typedAs = (text: string) => compiler.compile(declarations, `declare let ${name}: ${text};`)
      const precise = typedAs(type)
      const compiled = precise.status === "compiled" ? precise : typedAs("any")
      if (compiled.status === "compiled") declarations = compiled.declarations
      variables.declare([name])
      variables.bindImport(name, undefined)
      variables.expect([name], false)
      variables.set(name, value)
    },
    async close() {
      compiler.close()
    },
  }
}

function asTyped(text: string): TypedSource {
  return { text, toTyped: (offset) => offset }
}

/** Types of `import … from "cellfan"`: those built beside this program, or the sources it runs from. */
function ownDeclarations(): Record<string, string> {
  const here = dirname(fileURLToPath(import.meta.url))
  const candidates = ["types/index.d.ts", "../types/index.d.ts", "../index.ts"].map((path) =>
    join(here, path),
  )
  const found = candidates.find((path) => existsSync(path))
  return found === undefined ? {} : { cellfan: found }
}
