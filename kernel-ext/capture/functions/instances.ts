import { intrinsicName, isCopyable, isGlobalClass } from "../codec/intrinsics.ts"
import type { CellScript } from "../types.ts"
import { functionInfo } from "./info.ts"
import { builtinReference } from "./references.ts"
import { parseFunction } from "./syntax.ts"

/** Says of which classes no instance can be sent, and why. */

const perWorkerAdvice = "build it in the worker with perWorker(() => …)"

/** What helps better than perWorker, by the platform's class. */
const otherAdvice: Readonly<Record<string, string>> = {
  AbortSignal: "use ctx.signal, which is aborted when the job is cancelled or its time is up",
  AbortController: "use ctx.signal in the worker, and job.cancel() here",
}

const verdicts = new WeakMap<object, { readonly refusal: string | undefined }>()

/** Why an object with this prototype cannot be sent; undefined where it can. */
export function instanceRefusal(prototype: object, cells: readonly CellScript[]): string | undefined {
  const known = verdicts.get(prototype)
  if (known !== undefined) return known.refusal
  const refusal = judge(prototype, cells)
  verdicts.set(prototype, { refusal })
  return refusal
}

function judge(prototype: object, cells: readonly CellScript[]): string | undefined {
  const name = classOf(prototype)?.name ?? ""
  for (let at: object | null = prototype; at !== null; at = Object.getPrototypeOf(at)) {
    const intrinsic = intrinsicName(at)
    if (intrinsic !== undefined) {
      return isCopyable(intrinsic) ? undefined : `${describe(name, intrinsic.replace(/\.prototype$/, ""))}`
    }
    const owner = classOf(at)
    if (owner === undefined) continue
    const builtin = isGlobalClass(owner) ? owner.name : nodeName(owner, cells)
    if (builtin !== undefined) return describe(at === prototype ? builtin : name, builtin)
    const privates = privateMembers(owner)
    if (privates !== undefined) {
      return (
        `an instance of ${owner.name} has private fields (${privates}), which nothing outside of its class can read; ` +
        `make it inside the function, or ${perWorkerAdvice}`
      )
    }
  }
  return undefined
}

function describe(name: string, native: string): string {
  const isItself =
    name === "" || name === native || native.endsWith(`.${name}`) || name.endsWith(`.${native}`)
  const what = isItself ? native : `an instance of ${name}, which extends ${native},`
  return `${what} cannot be sent; ${otherAdvice[native] ?? perWorkerAdvice}`
}

function classOf(prototype: object): CallableFunction | undefined {
  const owner: unknown = Object.getOwnPropertyDescriptor(prototype, "constructor")?.value
  return typeof owner === "function" ? owner : undefined
}

/** "net.Socket" for classes of Node's own. */
function nodeName(owner: CallableFunction, cells: readonly CellScript[]): string | undefined {
  const { origin } = functionInfo(owner, cells)
  if (origin !== undefined && origin.kind !== "node") return undefined
  const reference = builtinReference(owner)
  if (reference !== undefined) {
    const path = reference.path.length === 0 ? [owner.name] : reference.path
    return [reference.specifier.replace(/^node:/, ""), ...path].join(".")
  }
  const [, module] = /^(?:internal\/)?([^/]+)/.exec(origin?.module ?? "") ?? []
  return module === undefined ? owner.name : `${module}.${owner.name}`
}

function privateMembers(owner: CallableFunction): string | undefined {
  const source = Function.prototype.toString.call(owner)
  if (!source.startsWith("class") || !source.includes("#")) return undefined
  const names = parseFunction(source).class?.instancePrivates ?? []
  return names.length === 0 ? undefined : names.join(", ")
}
