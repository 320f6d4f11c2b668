/**
 * The notebook's variables are script-scope bindings, which all code in the process sees before properties of
 * globalThis: a cell's `const process = …` or `const URL = …` would take `process` from every library and from the
 * kernel, and `const document = …` would make libraries think they run in a browser. Such names get a binding of
 * another name, and cells refer to that.
 */
export function bindingName(name: string): string {
  return isEveryones(name) ? `${name}__cell` : name
}

function isEveryones(name: string): boolean {
  return name in globalThis || probed.has(name)
}

/** Names by which libraries find out where they run. */
const probed = new Set([
  ...["require", "module", "exports", "define", "__filename", "__dirname", "arguments"],
  ...["window", "document", "self", "navigator", "location", "history", "screen", "frames", "parent", "top"],
  ...["localStorage", "sessionStorage", "indexedDB", "XMLHttpRequest", "importScripts", "WorkerGlobalScope"],
  ...["Worker", "Window", "Document", "Element", "HTMLElement", "Node", "Image", "Audio", "DOMParser"],
  ...["Deno", "Bun", "Zone", "jest", "describe", "it", "test", "jQuery", "$", "React", "angular", "process"],
  ...["requestAnimationFrame", "cancelAnimationFrame", "MutationObserver", "CSS", "name", "status", "event"],
])
