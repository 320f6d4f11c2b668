/**
 * Objects that every process has: `Math.max`, `Array.prototype`, `console`. They travel by name. A name is looked up in
 * the table made here, never by walking from what a message says.
 */

const javascript = [
  ..."Object Function Array String Number Boolean Symbol BigInt Math JSON Reflect Promise Proxy Map Set".split(
    " ",
  ),
  ..."WeakMap WeakSet WeakRef FinalizationRegistry Date RegExp ArrayBuffer SharedArrayBuffer Atomics".split(
    " ",
  ),
  ..."Error TypeError RangeError SyntaxError ReferenceError EvalError URIError AggregateError".split(" "),
  ..."SuppressedError DisposableStack AsyncDisposableStack Iterator Intl WebAssembly".split(" "),
  ..."Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array".split(" "),
  ..."Float16Array Float32Array Float64Array BigInt64Array BigUint64Array DataView".split(" "),
  ..."parseInt parseFloat isNaN isFinite encodeURI encodeURIComponent decodeURI decodeURIComponent".split(
    " ",
  ),
  ..."escape unescape eval".split(" "),
]

const node = [
  ..."console process Buffer URL URLSearchParams TextEncoder TextDecoder AbortController AbortSignal".split(
    " ",
  ),
  ..."Event EventTarget CustomEvent MessageChannel MessagePort MessageEvent BroadcastChannel Blob File".split(
    " ",
  ),
  ..."fetch Headers Request Response FormData WebSocket EventSource CloseEvent structuredClone".split(" "),
  ..."setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate queueMicrotask".split(
    " ",
  ),
  ..."performance crypto Crypto CryptoKey SubtleCrypto atob btoa DOMException navigator Navigator".split(" "),
  ..."ReadableStream ReadableStreamDefaultReader ReadableStreamBYOBReader WritableStream TransformStream".split(
    " ",
  ),
  ..."CompressionStream DecompressionStream TextEncoderStream TextDecoderStream".split(" "),
  ..."ByteLengthQueuingStrategy CountQueuingStrategy Performance PerformanceEntry PerformanceMark".split(" "),
  ..."PerformanceMeasure PerformanceObserver PerformanceObserverEntryList PerformanceResourceTiming".split(
    " ",
  ),
  ..."ReadableByteStreamController ReadableStreamBYOBRequest ReadableStreamDefaultController".split(" "),
  ..."TransformStreamDefaultController WritableStreamDefaultController WritableStreamDefaultWriter".split(
    " ",
  ),
  ..."Storage URLPattern".split(" "),
]

const standardNames = new Set([
  ...javascript,
  ...node,
  "globalThis",
  "global",
  "undefined",
  "NaN",
  "Infinity",
])

/** Whether every worker has this global variable of itself. */
export function isStandardGlobal(name: string): boolean {
  return standardNames.has(name)
}

interface Table {
  readonly names: Map<unknown, string>
  readonly values: Map<string, unknown>
}

let table: Table | undefined

/** Globals that Node makes when they are first read: making them (fetch and its classes) takes longer than a worker's start. */
const unread = new Set<string>()

export function intrinsicName(value: unknown): string | undefined {
  table ??= build()
  return table.names.get(value)
}

export function intrinsicByName(name: string): unknown {
  table ??= build()
  const [global = name] = name.split(".", 1)
  if (unread.delete(global)) addGlobal(table, global)
  return table.values.get(name)
}

/** Whether it is a class that Node has as a global one, be it that nobody has read it yet. */
export function isGlobalClass(owner: CallableFunction): boolean {
  return standardNames.has(owner.name) && Reflect.get(globalThis, owner.name) === owner
}

/** Whether instances of this prototype of the platform have all their state in what the codec reads. */
export function isCopyable(intrinsic: string): boolean {
  return /^(Object|Array|Map|Set|Date|Error|\w+Error|Function)\.prototype$/.test(intrinsic)
}

/** Takes in the globals that somebody has read since the last time. */
export function noticeGlobals(): void {
  for (const name of unread) {
    if (!isLazy(name) && table !== undefined && unread.delete(name)) addGlobal(table, name)
  }
}

function isLazy(name: string): boolean {
  const property = Object.getOwnPropertyDescriptor(globalThis, name)
  return property?.get !== undefined
}

function build(): Table {
  const made: Table = { names: new Map(), values: new Map() }
  add(made, globalThis, "globalThis")
  for (const name of javascript) addWith(made, Reflect.get(globalThis, name), name, 2)
  for (const [name, prototype] of unnamedPrototypes()) addWith(made, prototype, name, 1)
  for (const name of node) {
    if (isLazy(name)) unread.add(name)
    else addGlobal(made, name)
  }
  for (const [key, value] of Object.entries(console)) add(made, value, `console.${key}`)
  return made
}

function addGlobal(to: Table, name: string): void {
  const value: unknown = Reflect.get(globalThis, name)
  add(to, value, name)
  if (typeof value === "function") add(to, value.prototype, `${name}.prototype`)
}

function add({ names, values }: Table, value: unknown, name: string): boolean {
  if ((typeof value !== "object" && typeof value !== "function") || value === null || names.has(value))
    return false
  names.set(value, name)
  values.set(name, value)
  return true
}

/** The value and its own data properties, `depth` levels down. */
function addWith(to: Table, value: unknown, name: string, depth: number): void {
  if (!add(to, value, name) || depth === 0) return
  for (const key of Reflect.ownKeys(value as object)) {
    const property = Object.getOwnPropertyDescriptor(value, key)
    const label = typeof key === "symbol" ? `@@${key.description}` : key
    if (property !== undefined && "value" in property)
      addWith(to, property.value, `${name}.${label}`, depth - 1)
  }
}

/** Prototypes that no global names. */
function unnamedPrototypes(): [string, unknown][] {
  const generator = Object.getPrototypeOf(function* () {})
  const asyncGenerator = Object.getPrototypeOf(async function* () {})
  return [
    ["%TypedArray%", Object.getPrototypeOf(Uint8Array)],
    ["%AsyncFunction.prototype%", Object.getPrototypeOf(async () => {})],
    ["%GeneratorFunction.prototype%", generator],
    ["%AsyncGeneratorFunction.prototype%", asyncGenerator],
    ["%Generator.prototype%", generator.prototype],
    ["%AsyncGenerator.prototype%", asyncGenerator.prototype],
    ["%ArrayIterator.prototype%", Object.getPrototypeOf([][Symbol.iterator]())],
  ]
}
