import { CaptureError } from "../../errors.ts"
import type { Codec, Encoded } from "../types.ts"
import { CleanScan } from "./clean.ts"
import { GraphDecoder, type Resolver } from "./decoder.ts"
import type { Graph } from "./nodes.ts"
import { isPortable, readPortable, writePortable } from "./portable.ts"
import { deserializeRaw, serializeRaw } from "./raw.ts"
import { isTextForm, readText, writeText } from "./text.ts"

/**
 * Values in bytes. A map of this folder:
 *
 *     codec.ts       chooses between the ways below
 *     text.ts        a few strings and numbers
 *     clean.ts       whether a value is clean: kept as it is by V8's serialization
 *     raw.ts         clean values, and node lists, through V8's serialization, with large binary parts as blobs
 *     portable.ts    node lists from and for those who do not trust each other
 *     nodes.ts       the graph format, for all else
 *     encoder.ts     values → nodes
 *     decoder.ts     nodes → values
 *     known.ts       what both sides refer to by number
 *     intrinsics.ts  what every process has, by name
 *     platform.ts    URL, Headers, Blob, symbols, … both ways (blobs.ts: bytes of a Blob)
 *     checked.ts     parts of a message as what they must be
 *     views.ts       typed arrays and Buffers
 *     shared.ts      SharedArrayBuffers
 *     modules.ts     exports of modules
 */

/** How the bytes are to be read. */
const Form = { clean: 0, graph: 1 } as const

/** Encodes values that are not clean. `labels` begin the paths in errors. */
export type GraphWriter = (values: readonly unknown[], labelOf: (index: number) => string) => Graph

export interface CodecOptions {
  /** Whether to write the portable form, which a reader who does not trust this process takes. */
  readonly portable?: boolean
}

export function createCodec(writeGraph: GraphWriter, resolver: Resolver, options: CodecOptions = {}): Codec {
  if (options.portable === true) return portableCodec(writeGraph, resolver)
  return {
    encode(value, path) {
      const scan = new CleanScan({ apart: false })
      const raw = scan.check(value) ? trySerialize(value, scan.buffers) : undefined
      return (
        raw ??
        encodeGraph(
          writeGraph([value], () => path),
          () => path,
        )
      )
    },

    decode(encoded) {
      if (isPortable(encoded.bytes)) return new GraphDecoder(readPortable(encoded), resolver).decode()[0]
      const { tag, value } = readRaw(encoded, resolver)
      return tag === Form.clean ? value : new GraphDecoder(value as Graph, resolver).decode()[0]
    },

    encodeEach(values, pathOf) {
      const text = writeText(values)
      if (text !== undefined) return text
      const scan = new CleanScan({ apart: true })
      const raw = values.every((value) => scan.check(value))
        ? trySerialize(values, scan.buffers, false)
        : undefined
      return raw ?? encodeGraph(writeGraph(values, pathOf), () => pathOf(0))
    },

    decodeEach(encoded) {
      if (isPortable(encoded.bytes)) return new GraphDecoder(readPortable(encoded), resolver).decode()
      if (resolver.trusted && isTextForm(encoded.bytes)) return readText(encoded)
      const { tag, value } = readRaw(encoded, resolver)
      return tag === Form.clean ? (value as unknown[]) : new GraphDecoder(value as Graph, resolver).decode()
    },
  }
}

function readRaw(encoded: Encoded, { trusted }: Resolver): { tag: number; value: unknown } {
  if (!trusted) throw new TypeError("Results of this worker are taken in the portable form only")
  return deserializeRaw(encoded)
}

/** Reads what the other side writes, and writes the portable form itself. */
function portableCodec(writeGraph: GraphWriter, resolver: Resolver): Codec {
  const reader = createCodec(writeGraph, resolver)
  return {
    encode: (value, path) => writePortable(writeGraph([value], () => path)),
    decode: reader.decode,
    encodeEach: (values, pathOf) => writePortable(writeGraph(values, pathOf)),
    decodeEach: reader.decodeEach,
  }
}

export function encodeGraph(graph: Graph, path: () => string, previous: readonly Uint8Array[] = []): Encoded {
  try {
    // Buffers stand as views in nodes, and those find their blobs by themselves.
    // What is one buffer is one node; where there are two of it, they are to be apart.
    return serializeRaw(Form.graph, graph, [], { previous, joins: false })
  } catch (cause) {
    const label = path()
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new CaptureError(
      `\`${label}\` is too large to be sent (${reason}); send a path or a URL, and read it there`,
      {
        path: [label],
        cause,
      },
    )
  }
}

/** Undefined where V8 refuses: the graph codec finds out what it was, and says where. */
function trySerialize(value: unknown, buffers: Iterable<ArrayBuffer>, copies = true): Encoded | undefined {
  try {
    return serializeRaw(Form.clean, value, buffers, { copies })
  } catch {
    return undefined
  }
}
