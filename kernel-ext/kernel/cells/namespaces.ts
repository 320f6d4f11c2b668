import { createRequire } from "node:module"
import { types } from "node:util"

/**
 * What `import` gives for a CommonJS module. TypeScript types such imports as if the module had been an ES module
 * before it was compiled (`__esModule`), or else as if each property were an export; Node alone finds only the
 * exports it can guess. We go by the types.
 */

const cache = createRequire(import.meta.url).cache
const made = new WeakMap<object, object>()

/** `namespace` as the types have it: itself for an ES module. */
export function interop(namespace: Record<string, unknown>): Record<string, unknown> {
  const exports = namespace.default
  if (!isLookedInto(exports) || !isCommonJs(exports)) return namespace
  const known = made.get(exports)
  if (known !== undefined) return known as Record<string, unknown>
  const result = namespaceOf(exports)
  made.set(exports, result)
  return result
}

/** A CommonJS module's exports, seen as a namespace. */
export function namespaceOf(exports: unknown): Record<string, unknown> {
  if (types.isModuleNamespaceObject(exports)) return exports as Record<string, unknown>
  if (!isLookedInto(exports)) return { default: exports }
  if ((exports as { __esModule?: unknown }).__esModule) return exports as Record<string, unknown>
  const result: Record<string, unknown> = Object.create(null)
  for (const key of Object.getOwnPropertyNames(exports)) {
    if (key === "default") continue
    Object.defineProperty(result, key, {
      enumerable: Object.prototype.propertyIsEnumerable.call(exports, key),
      get: () => (exports as Record<string, unknown>)[key],
    })
  }
  return Object.defineProperty(result, "default", { value: exports, enumerable: true })
}

function isLookedInto(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function"
}

function isCommonJs(exports: object): boolean {
  for (const module of Object.values(cache)) if (module?.exports === exports) return true
  return false
}
