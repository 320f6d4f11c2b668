import { Session } from "node:inspector"

/**
 * What only V8's inspector knows of a function: where it was written, the variables of the scopes around it, what a
 * bound function binds, private fields. Values come as themselves, in this process; none goes through the protocol.
 */

/** One level of variables around a function, innermost first. `variables` is a copy made for this look. */
export interface Scope {
  readonly kind: "closure" | "module" | "script"
  /** Tells scopes of different functions apart: "Closure (makeCounter)". */
  readonly description: string
  readonly variables: Readonly<Record<string, unknown>>
}

export interface FunctionPlace {
  readonly scriptId: string
  /** Both 0-based; somewhere between the function's first character and its parameters. */
  readonly line: number
  readonly column: number
}

export interface Inspected {
  /** Undefined for native and bound functions. */
  readonly place: FunctionPlace | undefined
  readonly scopes: readonly Scope[]
  readonly bound:
    | { readonly target: unknown; readonly self: unknown; readonly args: readonly unknown[] }
    | undefined
}

interface RemoteObject {
  readonly value?: unknown
  readonly unserializableValue?: string
  readonly objectId?: string
}

interface Property {
  readonly name: string
  readonly value?: RemoteObject
}

interface Properties {
  readonly internalProperties?: readonly Property[]
  readonly privateProperties?: readonly Property[]
}

let session: Session | undefined

/** Hands values between us and the inspector, both ways, without the protocol. */
const exchange: { give: unknown; take: unknown } = { give: undefined, take: undefined }
const exchangeKey = Symbol.for("cellfan.capture.exchange")

const giveDeclaration = `function () { return globalThis[Symbol.for("cellfan.capture.exchange")].give }`
const takeDeclaration = `function (...values) { globalThis[Symbol.for("cellfan.capture.exchange")].take = [this, ...values] }`

function post<T>(method: string, params?: object): T {
  if (session === undefined) {
    session = new Session()
    session.connect()
  }
  let answer: T | undefined
  let failure: Error | null = null
  // In-process sessions answer before `post` returns.
  session.post(method, params, (error, result) => {
    failure = error
    answer = result as T
  })
  if (failure !== null) throw failure
  if (answer === undefined) throw new Error(`The inspector did not answer ${method}`)
  return answer
}

let anchorId: string | undefined

/** Runs `look` with the inspector's name for `value`; all names it makes are dropped after. */
function withObject<T>(value: unknown, look: (objectId: string) => T): T {
  Reflect.set(globalThis, exchangeKey, exchange)
  try {
    anchorId ??= post<{ result: RemoteObject }>("Runtime.evaluate", { expression: "({})" }).result.objectId
    exchange.give = value
    const { result } = post<{ result: RemoteObject }>("Runtime.callFunctionOn", {
      objectId: anchorId,
      functionDeclaration: giveDeclaration,
      objectGroup: "cellfan",
    })
    if (result.objectId === undefined) throw new TypeError("Only objects and functions can be looked into")
    return look(result.objectId)
  } finally {
    exchange.give = undefined
    exchange.take = undefined
    Reflect.deleteProperty(globalThis, exchangeKey)
    post("Runtime.releaseObjectGroup", { objectGroup: "cellfan" })
  }
}

function propertiesOf(objectId: string): Properties {
  return post("Runtime.getProperties", { objectId, ownProperties: true, nonIndexedPropertiesOnly: true })
}

/** The values themselves that these remote objects stand for. */
function take(objectId: string, values: readonly RemoteObject[]): unknown[] {
  const parameters = values.map(({ objectId: id, unserializableValue, value }) =>
    id !== undefined
      ? { objectId: id }
      : unserializableValue !== undefined
        ? { unserializableValue }
        : { value },
  )
  post("Runtime.callFunctionOn", { objectId, functionDeclaration: takeDeclaration, arguments: parameters })
  return exchange.take as unknown[]
}

export function inspectFunction(fn: unknown): Inspected {
  return withObject(fn, (objectId) => {
    const internal = new Map<string, RemoteObject>()
    for (const { name, value } of propertiesOf(objectId).internalProperties ?? []) {
      if (value !== undefined) internal.set(name, value)
    }
    const target = internal.get("[[TargetFunction]]")
    return {
      place: placeOf(internal.get("[[FunctionLocation]]")),
      scopes: scopesOf(internal.get("[[Scopes]]")?.objectId),
      bound: target === undefined ? undefined : boundParts(objectId, target, internal),
    }
  })
}

function placeOf(location: RemoteObject | undefined): FunctionPlace | undefined {
  if (location?.value === undefined) return undefined
  const { scriptId, lineNumber, columnNumber } = location.value as {
    scriptId: string
    lineNumber: number
    columnNumber: number
  }
  return { scriptId, line: lineNumber, column: columnNumber }
}

function boundParts(
  objectId: string,
  target: RemoteObject,
  internal: Map<string, RemoteObject>,
): Inspected["bound"] {
  const absent: RemoteObject = { unserializableValue: "undefined" }
  const parts = [target, internal.get("[[BoundThis]]") ?? absent, internal.get("[[BoundArgs]]") ?? absent]
  const [, fn, self, args] = take(objectId, parts)
  return { target: fn, self, args: Array.isArray(args) ? args : [] }
}

/** `[[Scopes]]` is a list of { description, object }. */
function scopesOf(scopesId: string | undefined): Scope[] {
  if (scopesId === undefined) return []
  const [list] = take(scopesId, []) as [ArrayLike<{ description: string; object: Record<string, unknown> }>]
  const scopes: Scope[] = []
  for (let index = 0; index < list.length; index++) {
    const entry = list[index]
    if (entry === undefined || entry.description === "Global") continue
    const { description, object: variables } = entry
    const kind = description === "Module" ? "module" : description === "Script" ? "script" : "closure"
    scopes.push({ kind, description, variables })
  }
  return scopes
}

/** Private fields of an object, or static ones of a class: name with "#" → value. */
export function inspectPrivates(value: object): Map<string, unknown> {
  return withObject(value, (objectId) => {
    const properties = (propertiesOf(objectId).privateProperties ?? []).flatMap(({ name, value }) =>
      value === undefined ? [] : [{ name, value }],
    )
    if (properties.length === 0) return new Map()
    const [, ...values] = take(
      objectId,
      properties.map((property) => property.value),
    )
    return new Map(properties.map(({ name }, index) => [name, values[index]]))
  })
}

/** URL or file name of a script; "" for code without one. */
export function scriptUrl(scriptId: string): string {
  if (!urls.has(scriptId)) readCovered()
  if (!urls.has(scriptId)) withDebugger(() => {})
  return urls.get(scriptId) ?? ""
}

const urls = new Map<string, string>()

/** Names scripts that have functions which ran: most, in a quarter of the time that the debugger takes to name all. */
function readCovered(): void {
  const { result } = post<{ result: { scriptId: string; url: string }[] }>("Profiler.getBestEffortCoverage")
  for (const { scriptId, url } of result) urls.set(scriptId, url)
}

/** The debugger tells of all scripts when it is enabled, and slows the process while it is: only for this moment. */
function withDebugger<T>(look: () => T): T {
  const listener = ({ params }: { params: { scriptId: string; url: string } }) => {
    urls.set(params.scriptId, params.url)
  }
  post("Runtime.evaluate", { expression: "0" })
  session?.on("Debugger.scriptParsed", listener)
  try {
    post("Debugger.enable")
    return look()
  } finally {
    post("Debugger.disable")
    session?.off("Debugger.scriptParsed", listener)
  }
}

const sources = new Map<string, string>()

/** The text that V8 compiled. */
export function scriptSource(scriptId: string): string {
  const known = sources.get(scriptId)
  if (known !== undefined) return known
  const { scriptSource: source } = withDebugger(() =>
    post<{ scriptSource: string }>("Debugger.getScriptSource", { scriptId }),
  )
  sources.set(scriptId, source)
  return source
}
