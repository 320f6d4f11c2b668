import { types } from "node:util"

/**
 * The export `name` of what `require` gave, by the rules of an import statement: "*" is the namespace, "default" of a
 * CommonJS module what it exports, unless it says that it was an ES module.
 */
export function exportOf(exports: unknown, name: string): unknown {
  if (types.isModuleNamespaceObject(exports))
    return name === "*" ? exports : Reflect.get(exports as object, name)
  if ((typeof exports !== "object" && typeof exports !== "function") || exports === null) {
    return name === "default" ? exports : name === "*" ? { default: exports } : undefined
  }
  const wasEsModule = Boolean(Reflect.get(exports, "__esModule"))
  if (name === "*") return wasEsModule ? exports : namespaceOf(exports)
  return name === "default" && !wasEsModule ? exports : Reflect.get(exports, name)
}

/** A CommonJS module's exports as `import * as` sees them. */
function namespaceOf(exports: object): object {
  const namespace: object = Object.create(null, { default: { value: exports, enumerable: true } })
  for (const key of Object.getOwnPropertyNames(exports)) {
    const enumerable = Object.prototype.propertyIsEnumerable.call(exports, key)
    if (key !== "default") {
      Object.defineProperty(namespace, key, { enumerable, get: () => Reflect.get(exports, key) })
    }
  }
  return namespace
}
