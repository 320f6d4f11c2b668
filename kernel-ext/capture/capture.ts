import { createHash, randomUUID } from "node:crypto"
import { isBuiltin } from "node:module"
import { CaptureError } from "../errors.ts"
import { createCodec, encodeGraph } from "./codec/codec.ts"
import { GraphEncoder } from "./codec/encoder.ts"
import { isStandardGlobal } from "./codec/intrinsics.ts"
import { Known } from "./codec/known.ts"
import type { Graph } from "./codec/nodes.ts"
import { isSharedMemory, numberOfShared } from "./codec/shared.ts"
import { FunctionEncoder, type Surrounds } from "./functions/function-encoder.ts"
import { beginCapture } from "./functions/info.ts"
import { inspectFunction } from "./functions/inspect.ts"
import { ResultResolver } from "./functions/result-resolver.ts"
import { mapStack, rememberCode, rememberModules } from "./functions/stack.ts"
import type { Broadcast, Captured, CellBindings, Codec, Encoded } from "./types.ts"

/**
 * Capture: turning a function, with all it refers to, into something a worker can load. A map of this folder:
 *
 *     types.ts      the seam: what capture takes and gives
 *     capture.ts    here: function → shipment, in the process that has the function
 *     load.ts       shipment → function, in the worker
 *     packages.ts   npm packages → one file, for workers elsewhere (esbuild.ts)
 *     acorn.ts      the parser, loaded when first used
 *     marks.ts      what cells say so that shared variables and `this` can be seen
 *     per-worker.ts, broadcast.ts   for what cannot be sent, and for what is large
 *     functions/    what a function's text and V8 say about it; the shipped code; stacks mapped back
 *     codec/        values ↔ bytes, on both sides
 */

let bindings: CellBindings | undefined

const origin = randomUUID()

/** The kernel's cells; undefined in a plain script. */
export function setCellBindings(cells: CellBindings | undefined): void {
  bindings = cells
  // The inspector takes 20 ms to begin: better now than within the first map.
  if (cells !== undefined) setImmediate(() => inspectFunction(setCellBindings)).unref()
}

/** The name under which a cell declared this very function; undefined where none did. */
export function boundName(fn: CallableFunction): string | undefined {
  const binding = fn.name === "" ? undefined : bindings?.lookup(fn.name)
  return binding?.kind === "value" && binding.value === fn ? fn.name : undefined
}

export interface CaptureOptions {
  /** What a CaptureError calls the function. */
  readonly path?: string
  /** Whether it goes to threads of this process: SharedArrayBuffers are taken then, and shared. Default: false. */
  readonly sharesMemory?: boolean
}

/** What was captured the last time, for processes and for threads. */
const forProcesses = new WeakMap<CallableFunction, Captured>()
const forThreads = new WeakMap<CallableFunction, Captured>()

/**
 * Captures a function with the values it sees now. Cheap when nothing has changed since the last time: then the very
 * same Captured comes back.
 *
 * @throws CaptureError where it refers to something that cannot be sent.
 */
export function capture(fn: CallableFunction, options: CaptureOptions = {}): Captured {
  if (typeof fn !== "function") throw new TypeError(`A function is needed; got ${typeof fn}`)
  const sharesMemory = options.sharesMemory ?? false
  const captures = sharesMemory ? forThreads : forProcesses
  const last = captures.get(fn)
  const known = last && selfContained.get(last)
  if (known !== undefined && isStillSelfContained(fn, known)) return known.captured
  const folder = bindings?.folder ?? process.cwd()
  const broadcasts = new Map<string, Broadcast>()
  const surrounds = { bindings, folder, known: new Known(), sharesMemory, broadcasts, isShipped: false }
  const { graph, imports, freeNames } = writeGraph(surrounds, [fn], () => options.path ?? "fn")
  const data = encodeGraph(withoutText(graph), () => options.path ?? "fn", last?.shipment.data.blobs)
  const code = graph.code?.text ?? ""
  if (last !== undefined && isSame(last, code, data, surrounds.folder)) return last
  surrounds.known.ship()
  const shipped = { ...surrounds, isShipped: true }
  const captured: Captured = {
    shipment: {
      hash: hashOf(code, data),
      code,
      data,
      broadcasts: [...broadcasts.values()],
      resolveFrom: surrounds.folder,
      imports: [...imports],
      origin,
    },
    codec: codecFor(shipped),
    untrusted: untrustedCodecFor(shipped, imports),
    mapStack: (stack) => mapStack(stack, surrounds.bindings?.locate),
  }
  captures.set(fn, captured)
  // Two nodes are the function and an empty context.
  const { nodes, globals, late, modules } = graph
  if (nodes.length === 2 && !globals?.length && !late?.length && modules === undefined && imports.size === 0)
    selfContained.set(captured, { captured, freeNames, keyCount: Reflect.ownKeys(fn).length })
  return captured
}

/** A function that took no value from around it: looking again, which takes V8's inspector, would find the same. */
interface SelfContained {
  readonly captured: Captured
  /** Standard names, unless a cell declares one of them later. */
  readonly freeNames: ReadonlySet<string>
  readonly keyCount: number
}

const selfContained = new WeakMap<Captured, SelfContained>()

function isStillSelfContained(
  fn: CallableFunction,
  { captured, freeNames, keyCount }: SelfContained,
): boolean {
  if (captured.shipment.resolveFrom !== (bindings?.folder ?? process.cwd())) return false
  if (Reflect.ownKeys(fn).length !== keyCount) return false
  for (const name of freeNames) {
    if (bindings?.lookup(name) !== undefined) return false
    if (name in globalThis && !isStandardGlobal(name)) return false
  }
  return true
}

/** The code travels once, beside the data. */
function withoutText(graph: Graph): Graph {
  return graph.code === undefined ? graph : { ...graph, code: { hash: graph.code.hash, text: "" } }
}

function isSame({ shipment }: Captured, code: string, data: Encoded, folder: string): boolean {
  return (
    shipment.code === code &&
    shipment.resolveFrom === folder &&
    Buffer.compare(shipment.data.bytes, data.bytes) === 0 &&
    shipment.data.blobs.length === data.blobs.length &&
    data.blobs.every((blob, index) => blob === shipment.data.blobs[index])
  )
}

function hashOf(code: string, data: Encoded): string {
  const hash = createHash("sha256").update(code).update("\0").update(data.bytes)
  for (const blob of data.blobs) hash.update(hashOfBlob(blob))
  return hash.digest("hex").slice(0, 32)
}

/** Blobs are ours, never written to, and given again where nothing changed. */
const blobHashes = new WeakMap<Uint8Array, Buffer>()

function hashOfBlob(blob: Uint8Array): Buffer | string {
  if (isSharedMemory(blob.buffer)) return `shared ${numberOfShared(blob.buffer)}`
  const known = blobHashes.get(blob)
  if (known !== undefined) return known
  const hash = createHash("sha256").update(blob).digest()
  blobHashes.set(blob, hash)
  return hash
}

function writeGraph(
  surrounds: Surrounds,
  values: readonly unknown[],
  labelOf: (index: number) => string,
): { graph: Graph; imports: ReadonlySet<string>; freeNames: ReadonlySet<string> } {
  beginCapture()
  const functions = new FunctionEncoder(surrounds)
  const encoder = new GraphEncoder(functions)
  const roots = values.map((value, index) => {
    const slot = encoder.root(value, labelOf(index))
    encoder.separate()
    return slot
  })
  const { shared, emitted, globals, modules, late } = functions.finish(encoder)
  if (emitted !== undefined) rememberCode(emitted)
  if (modules !== undefined) rememberModules(modules)
  const code = emitted === undefined ? undefined : { hash: emitted.hash, text: emitted.text }
  const shipped = modules && { hash: modules.hash, text: modules.text }
  const graph = { nodes: encoder.nodes, roots, shared, globals, late, modules: shipped, code }
  return { graph, imports: functions.imports, freeNames: functions.freeNames }
}

/** Encodes inputs, decodes results. Functions and classes that inputs bring along are known to both sides afterwards. */
function codecFor(surrounds: Surrounds): Codec {
  return createCodec(
    (values, labelOf) => writeGraph(surrounds, values, labelOf).graph,
    new ResultResolver(surrounds.known, true),
  )
}

/** @param packed What the function itself imports, and so what is there. */
function untrustedCodecFor(surrounds: Surrounds, packed: ReadonlySet<string>): Codec {
  return createCodec((values, labelOf) => {
    const { graph, imports } = writeGraph(surrounds, values, labelOf)
    const missing = [...imports].find((specifier) => !packed.has(specifier) && !isBuiltin(specifier))
    if (missing === undefined) return graph
    const label = labelOf(0)
    throw new CaptureError(
      `\`${label}\`: a function among the inputs imports ${missing}, and what runs elsewhere has only the packages ` +
        "that the mapped function imports; import it there too",
      { path: [label, missing] },
    )
  }, new ResultResolver(surrounds.known, false))
}
