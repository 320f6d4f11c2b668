import { readFileSync } from "node:fs"
import { dirname, extname } from "node:path"
import { pathToFileURL } from "node:url"
import { Script } from "node:vm"
import type ts from "typescript"
import { importsJsx } from "./jsx.ts"
import { typescript } from "./typescript.ts"
import { stampOf } from "./watched-files.ts"

/**
 * The notebook's own modules: TypeScript and JavaScript files beside it, and cells that say `@module`. They are
 * compiled to the System format, a plain script that keeps what ES modules mean (live bindings, cycles, top-level
 * await, `import.meta`), so that a changed file can be loaded anew, with everything that imports it.
 */

type Namespace = Record<string, unknown>

interface SideModule {
  readonly file: string
  /** Changes when the file does. */
  readonly stamp: string
  readonly namespace: Namespace
  readonly dependencies: Set<SideModule>
  /** Called when an export changes its value. */
  readonly importers: Set<() => void>
  link: Promise<void>
  execute: () => Promise<void>
  executed: Promise<void> | undefined
}

export interface SideModulesOptions {
  readonly session: () => { readonly configured: ts.CompilerOptions }
  /** Text of modules that are cells, by file name. */
  readonly virtual: ReadonlyMap<string, string>
  /** Imports `specifier` from `file`; a side module's `file` is given back as `{ file }`. */
  load(
    specifier: string,
    from: string,
  ): Promise<{ readonly file: string } | { readonly namespace: Namespace }>
  readonly require: (from: string) => NodeJS.Require
  /** Told of each script before it runs, for stack traces. */
  onScript(file: string, sourceMaps: readonly string[], text: string): void
  /** What `import.meta.resolve(specifier)` gives in `file`. */
  resolve(specifier: string, file: string): string
}

export function createSideModules(options: SideModulesOptions) {
  const modules = new Map<string, SideModule>()

  function stamp(file: string): string {
    return options.virtual.get(file) ?? stampOf(file)
  }

  /** Forgets modules whose files changed, and those that import them. */
  function forgetChanged(): void {
    const stale = new Set([...modules.values()].filter((one) => stamp(one.file) !== one.stamp))
    for (let before = -1; before !== stale.size; ) {
      before = stale.size
      for (const one of modules.values())
        if ([...one.dependencies].some((dependency) => stale.has(dependency))) stale.add(one)
    }
    for (const { file } of stale) modules.delete(file)
  }

  function obtain(file: string): SideModule {
    const known = modules.get(file)
    if (known !== undefined) return known
    const namespace: Namespace = Object.create(null, { [Symbol.toStringTag]: { value: "Module" } })
    const module: SideModule = {
      file,
      stamp: stamp(file),
      namespace,
      dependencies: new Set(),
      importers: new Set(),
      link: Promise.resolve(),
      execute: async () => {},
      executed: undefined,
    }
    modules.set(file, module)
    module.link = instantiate(module)
    module.link.catch(() => modules.delete(file))
    return module
  }

  async function instantiate(module: SideModule): Promise<void> {
    const { file } = module
    const registered = evaluate(file)
    const setters = registered.declare(
      (name, value) => {
        if (typeof name === "string") module.namespace[name] = value
        else Object.assign(module.namespace, name)
        for (const update of module.importers) update()
        return value
      },
      {
        id: file,
        meta: {
          url: pathToFileURL(file).href,
          filename: file,
          dirname: dirname(file),
          resolve: (specifier: string) => options.resolve(specifier, file),
        },
        import: async (specifier: string) => {
          const found = await options.load(specifier, file)
          return "file" in found ? load(found.file) : found.namespace
        },
      },
    )
    module.execute = async () => void (await setters.execute?.())
    await Promise.all(
      registered.dependencies.map(async (specifier, index) => {
        const found = await options.load(specifier, file)
        const set = setters.setters[index]
        if (!("file" in found)) return set?.(found.namespace)
        const dependency = obtain(found.file)
        module.dependencies.add(dependency)
        dependency.importers.add(() => set?.(dependency.namespace))
        set?.(dependency.namespace)
      }),
    )
  }

  /** Waits until everything that `module` reaches is there; cycles end where they began. */
  async function linked(module: SideModule, seen: Set<SideModule>): Promise<void> {
    if (seen.has(module)) return
    seen.add(module)
    await module.link
    for (const dependency of module.dependencies) await linked(dependency, seen)
  }

  function executed(module: SideModule, above: ReadonlySet<SideModule>): Promise<void> {
    module.executed ??= (async () => {
      const path = new Set([...above, module])
      for (const dependency of module.dependencies)
        if (!path.has(dependency)) await executed(dependency, path)
      await module.execute()
    })()
    module.executed.catch(() => modules.delete(module.file))
    return module.executed
  }

  function evaluate(file: string): Registered {
    const text = options.virtual.get(file) ?? readFileSync(file, "utf8")
    const { outputText, sourceMaps } = compile(file, text)
    options.onScript(file, sourceMaps, text)
    let registered: Registered = { dependencies: [], declare: () => ({ setters: [] }) }
    const System = {
      register(dependencies: string[], declare: Registered["declare"]) {
        registered = { dependencies, declare }
      },
    }
    const run = new Script(`(function (System, require) {${outputText}\n})`, {
      filename: file,
    }).runInThisContext()
    run(System, options.require(file))
    return registered
  }

  function compile(file: string, text: string): { outputText: string; sourceMaps: string[] } {
    const tsc = typescript()
    const { configured } = options.session()
    const steps = [
      // In its System format the compiler loses the names of what it imports by itself for JSX.
      ...(importsJsx(configured) && /\.[jt]sx$/.test(file) ? [tsc.ModuleKind.ESNext] : []),
      // The one script format with the meaning of ES modules; no later compiler than this one has an API in JavaScript.
      tsc.ModuleKind.System,
    ]
    let outputText = text
    const sourceMaps: string[] = []
    for (const module of steps) {
      const done = tsc.transpileModule(outputText, {
        fileName: file,
        compilerOptions: {
          jsx: tsc.JsxEmit.React,
          ...configured,
          module,
          ignoreDeprecations: "6.0",
          target: tsc.ScriptTarget.ES2022,
          esModuleInterop: true,
          sourceMap: true,
        },
      })
      outputText = done.outputText.replace(/\/\/# sourceMappingURL=.*\s*$/, "")
      sourceMaps.unshift(done.sourceMapText ?? "")
    }
    return { outputText, sourceMaps }
  }

  async function load(file: string): Promise<Namespace> {
    const module = obtain(file)
    await linked(module, new Set())
    await executed(module, new Set())
    return module.namespace
  }

  return {
    load(file: string): Promise<Namespace> {
      forgetChanged()
      return load(file)
    },
    /** The module if it has run already. */
    loaded: (file: string): Namespace | undefined => modules.get(file)?.namespace,
  }
}

interface Registered {
  readonly dependencies: readonly string[]
  declare(
    set: (name: string | Namespace, value: unknown) => unknown,
    context: unknown,
  ): { readonly setters: readonly ((namespace: Namespace) => void)[]; execute?(): unknown }
}

const compiled = new Set([".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs"])

/** Whether a file is one of those that are compiled here, by its name. */
export function isCompiled(file: string): boolean {
  return compiled.has(extname(file)) && !/\.d\.[mc]?ts$/.test(file)
}
