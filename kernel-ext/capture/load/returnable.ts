import { builtinModules, createRequire } from "node:module"
import { intrinsicName, isCopyable, isGlobalClass } from "../codec/intrinsics.ts"

/** Says of which classes no instance can be returned, whether or not the notebook has the class, and why. */

const advice = "return a plain object with what you need of it"

const privates = new WeakMap<object, readonly unknown[]>()

/** Takes in the private members that instances of a class of the notebook's have. */
export function notePrivates(owner: object, names: readonly unknown[]): void {
  if (names.length > 0) privates.set(owner, names)
}

const verdicts = new WeakMap<object, { readonly refusal: string | undefined }>()

/** Why an object with this prototype cannot be returned; undefined where nothing speaks against it. */
export function returnRefusal(prototype: object): string | undefined {
  const known = verdicts.get(prototype)
  if (known !== undefined) return known.refusal
  const refusal = judge(prototype)
  verdicts.set(prototype, { refusal })
  return refusal
}

function judge(prototype: object): string | undefined {
  const name = ownerOf(prototype)?.name ?? ""
  for (let at: object | null = prototype; at !== null; at = Object.getPrototypeOf(at)) {
    const intrinsic = intrinsicName(at)
    if (intrinsic !== undefined) {
      return isCopyable(intrinsic) ? undefined : refuse(name, intrinsic.replace(/\.prototype$/, ""))
    }
    const owner = ownerOf(at)
    if (owner === undefined) continue
    const builtin = isGlobalClass(owner) ? owner.name : builtinClassName(owner)
    if (builtin !== undefined) return refuse(name, builtin)
    const names = privates.get(owner)
    if (names !== undefined) {
      return (
        `an instance of ${owner.name} has private fields (${names.join(", ")}), which nothing outside of its class ` +
        `can read; ${advice}`
      )
    }
  }
  return undefined
}

function refuse(name: string, native: string): string {
  const isItself = name === "" || native === name || native.endsWith(`.${name}`)
  return `${isItself ? native : `an instance of ${name}, which extends ${native},`} cannot be returned; ${advice}`
}

/** The class whose `prototype` this is. */
export function ownerOf(prototype: object): CallableFunction | undefined {
  const owner: unknown = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value
  return typeof owner === "function" && owner.prototype === prototype ? owner : undefined
}

/** "net.Socket" for a class of one of Node's modules. Only those count that are loaded: an instance of others there is none. */
function builtinClassName(owner: CallableFunction): string | undefined {
  // Any file will do for Node's own modules.
  const load = createRequire(process.execPath)
  const { moduleLoadList } = process as unknown as { readonly moduleLoadList: readonly string[] }
  const loaded = new Set(moduleLoadList)
  for (const module of builtinModules) {
    if (!loaded.has(`NativeModule ${module.replace(/^node:/, "")}`)) continue
    const exports = Object.getOwnPropertyDescriptors(load(module) as object)
    const [name] = Object.entries(exports).find(([, property]) => property.value === owner) ?? []
    if (name !== undefined) return `${module}.${name === "default" ? owner.name : name}`
  }
  return undefined
}
