import type { Interpreter } from "./types.ts"

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
  throw new Error(`No interpreter for ${options.folder} yet`)
}
