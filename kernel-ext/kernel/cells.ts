import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import "./cells/stand-in.ts"
import * as tslab from "tslab"
import { createConverter } from "tslab/dist/converter.js"
import jupyter from "tslab/dist/jupyter.js"
import { createCompiler } from "./cells/compiler.ts"
import { CellInterpreter } from "./cells/interpreter.ts"
import { createModules } from "./cells/modules.ts"
import { createScripts } from "./cells/scripts.ts"
import { mapStacksOf } from "./cells/stacks.ts"
import { displayForTslab } from "./display/tslab.ts"
import type { Interpreter } from "./types.ts"

/**
 * Runs TypeScript, cell by cell. What the parts in cells/ do:
 *
 *     interpreter   puts the others together
 *     compiler      checks a cell and takes its types off, by tslab's converter over stock TypeScript
 *                   (stand-in: stock TypeScript in the shape of tslab's; session: for whom it works; program: what it
 *                   checks, with options, resolution and seam; typescript, quick-info, watched-files, prefix,
 *                   tslab-declarations; source: what the text of a cell says;
 *                   type-libraries: JavaScript's and Node's types; decorators: help with those of the older kind;
 *                   jsx: help with elements where nothing says what they become)
 *     known-types   what earlier cells declared (declarations; pages: the files that TypeScript reads it from)
 *     injected-parameters  types of the cell that papermill adds
 *     transform     makes declarations assignments to the notebook's variables (scope, bound-names, loops, globals,
 *                   import-statements; deferred-imports: those that Node has not)
 *     variables     the notebook's variables
 *     modules       imports (side-modules: files beside the notebook; namespaces; native-import)
 *     run           runs the code and ends it when the user interrupts
 *     scripts       positions in what ran → positions in what was typed
 *     failures      errors of types and of users' code as Jupyter shows them (code-frame); stacks: in error.stack too
 *     nesting       code that is nested too deeply for all of them
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
  /** Whether `error.stack` tells positions in cells as typed, in all of this process. Default: false. */
  readonly mapStacks?: boolean
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
  const scripts = createScripts(folder)
  const own = new Map<string, unknown>([["tslab", tslab], ...Object.entries(options.modules ?? {})])
  const modules = createModules({ folder, own, session: compiler.session, onScript: scripts.addModule })
  // What tslab's display API calls, which otherwise only its own kernel sets.
  Object.assign(jupyter, { lastWriteDisplayData: displayForTslab })
  const onClose = options.mapStacks ? mapStacksOf(scripts) : () => {}
  return new CellInterpreter({ folder, compiler, modules, scripts, onClose })
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
