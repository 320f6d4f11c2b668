import { createCodec } from "./codec/codec.ts"
import { GraphDecoder } from "./codec/decoder.ts"
import { Known } from "./codec/known.ts"
import type { Graph } from "./codec/nodes.ts"
import { deserializeRaw } from "./codec/raw.ts"
import { keepBroadcast } from "./load/broadcasts.ts"
import { Imports, type ImportsOptions } from "./load/imports.ts"
import { CodeResolver } from "./load/resolver.ts"
import { resultWriter } from "./load/results.ts"
import type { Loaded, Shipment } from "./types.ts"

/**
 * Shipment → function, in the worker. Bundled with the worker: it stays small and never reaches for a parser.
 *
 *     load/resolver.ts   makes functions, classes and contexts from shipped code
 *     load/imports.ts    `require` and `import()` for it
 *     load/packages.ts   npm packages that travelled along
 *     load/broadcasts.ts values that several functions share
 *     load/results.ts    what of a result cannot be described by data alone; returnable.ts: what cannot be returned
 */

export { dropBroadcast, keepBroadcast } from "./load/broadcasts.ts"
export { type ImportsOptions, overrideModule } from "./load/imports.ts"
export type { PackageBundle } from "./load/packages.ts"

export interface LoadOptions extends ImportsOptions {
  /** The form of results. "portable" for hosts that do not trust this worker. Default: "v8". */
  readonly results?: "v8" | "portable"
  /** Whether this is a thread of the host's process, and results may hold SharedArrayBuffers. Default: false. */
  readonly sharesMemory?: boolean
}

export function load(shipment: Shipment, options: LoadOptions = {}): Loaded {
  for (const { hash, encoded } of shipment.broadcasts) keepBroadcast(hash, encoded)
  const { value } = deserializeRaw(shipment.data)
  const graph = value as Graph
  const code = graph.code && { hash: graph.code.hash, text: shipment.code }
  const resolver = new CodeResolver(new Known(), new Imports(shipment.resolveFrom, options), shipment.origin)
  const [fn] = new GraphDecoder({ ...graph, code }, resolver).decode()
  if (typeof fn !== "function") throw new TypeError(`Shipment ${shipment.hash} holds no function`)
  return {
    fn: fn as Loaded["fn"],
    codec: createCodec(resultWriter(resolver.known, options.sharesMemory ?? false), resolver, {
      portable: options.results === "portable",
    }),
  }
}
