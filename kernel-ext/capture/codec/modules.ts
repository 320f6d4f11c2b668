import { types } from "node:util"

/**
 * The export `name` of what `require` gave, by the rules of an import statement: "*" is the namespace, "default" of a
 * CommonJS module what it exports, unless it says that it was an ES module.
 */
export function exportOf(exports: unknown, name: string): unknown {
  if (types.isModuleNamespaceObject(exports))
    return name === "*" ? exports : Reflect.get(exports as object, name)
  if (name === "*") return exports
  if ((typeof exports !== "object" && typeof exports !== "function") || exports === null) {
    return name === "default" ? exports : undefined
  }
  if (name === "default" && !Reflect.get(exports, "__esModule")) return exports
  return Reflect.get(exports, name)
}
