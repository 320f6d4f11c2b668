import { Script } from "node:vm"
import type { Binding } from "../../capture/types.ts"
import { bindingName } from "./globals.ts"

/** The notebook's variables: script-scope `let` bindings, each made once, reached from here by tiny accessors. */
export interface Variables {
  /** Names that cells have declared. */
  readonly names: ReadonlySet<string>
  /** Names that functions of cells refer to. */
  readonly closedOver: Set<string>
  /** Makes the bindings that are not there yet. */
  declare(names: readonly string[]): void
  get(name: string): unknown
  set(name: string, value: unknown): void
  lookup(name: string): Binding | undefined
  /** Says that `names` are bound by imports, or no longer. */
  bindImport(name: string, source: { specifier: string; name: string } | undefined): void
  /** Says whether the cell that declares `names` has still to reach their declarations. */
  expect(names: readonly string[], pending: boolean): void
  /** Those of `names` that nothing was assigned to. */
  unreached(names: readonly string[]): string[]
}

interface Accessor {
  get(): unknown
  set(value: unknown): void
}

export function createVariables(): Variables {
  const accessors = new Map<string, Accessor>()
  const names = new Set<string>()
  const imports = new Map<string, { specifier: string; name: string }>()
  const pending = new Set<string>()

  function access(name: string): Accessor {
    const accessor = accessors.get(bindingName(name))
    if (accessor === undefined) throw new ReferenceError(`${name} is not defined`)
    return accessor
  }

  function isPending(name: string): boolean {
    return pending.has(name) && access(name).get() === undefined
  }

  return {
    names,
    closedOver: new Set(),
    declare(wanted) {
      const missing = wanted.filter((name) => !names.has(name)).map(bindingName)
      for (const name of wanted) names.add(name)
      if (missing.length === 0) return
      const made = makeBindings(missing)
      for (const [index, name] of missing.entries()) {
        const accessor = made[index]
        if (accessor !== undefined) accessors.set(name, accessor)
      }
    },
    get: (name) => access(name).get(),
    set: (name, value) => access(name).set(value),
    lookup(written) {
      // A function's text has the name its cell was compiled to; both mean the same variable.
      const name = names.has(written) ? written : written.replace(/__cell$/, "")
      if (!names.has(name)) return undefined
      const source = imports.get(name)
      if (source !== undefined) return { kind: "import", ...source, value: access(name).get() }
      return isPending(name) ? { kind: "uninitialized" } : { kind: "value", value: access(name).get() }
    },
    bindImport(name, source) {
      if (source === undefined) imports.delete(name)
      else imports.set(name, source)
    },
    expect(wanted, isExpected) {
      for (const name of wanted) {
        if (isExpected) pending.add(name)
        else pending.delete(name)
      }
    },
    unreached: (wanted) => wanted.filter(isPending),
  }
}

/** A binding at script scope stays for the life of the process; an earlier interpreter may have made it. */
const inProcess = new Set<string>()

function makeBindings(wanted: readonly string[]): Accessor[] {
  const missing = wanted.filter((name) => !inProcess.has(name))
  for (const name of missing) inProcess.add(name)
  const declaration = missing.length > 0 ? `let ${missing.join(", ")};` : ""
  const cleared = wanted.filter((name) => !missing.includes(name)).map((name) => `${name} = undefined;`)
  const accessors = wanted.map((name) => `{ get: () => ${name}, set: (__value) => { ${name} = __value; } }`)
  return new Script(`${declaration} ${cleared.join(" ")} [${accessors.join(", ")}]`, {
    filename: "cellfan:variables",
  }).runInThisContext()
}
