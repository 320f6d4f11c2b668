/** What capture takes from whoever runs the cells, and what it gives to whoever runs the tasks. */

/** A value in bytes: `bytes` for the graph, `blobs` for large binary parts, which travel beside it uncopied. */
export interface Encoded {
  readonly bytes: Uint8Array
  readonly blobs: readonly Uint8Array[]
}

/** Encodes and decodes values for one captured function, whose classes it knows on both sides. */
export interface Codec {
  /** One value. `path` begins the path in a CaptureError, for example "result". */
  encode(value: unknown, path: string): Encoded
  decode(encoded: Encoded): unknown
  /**
   * Many values that share nothing after decoding: an object that stands in two of them becomes two objects, as it
   * would if each had travelled alone, so a task cannot see what another did to its input.
   * `pathOf(i)` names element i in a CaptureError. Blobs may be the values' own memory: nobody is to write to it before
   * they have left.
   */
  encodeEach(values: readonly unknown[], pathOf: (index: number) => string): Encoded
  decodeEach(encoded: Encoded): unknown[]
}

/** A value that `broadcast` was called with. */
export interface Broadcast {
  /** Hash of the value, in hex. */
  readonly hash: string
  readonly encoded: Encoded
}

/** A function made ready to leave the process. Plain data: it goes to a worker or into object storage. */
export interface Shipment {
  /** Hash of code and captured data, in hex: equal hashes mean equal behaviour. Names the shipment in workers. */
  readonly hash: string
  /** Plain JavaScript; evaluating it defines everything the function reaches. */
  readonly code: string
  /** Captured values. */
  readonly data: Encoded
  /** Those among them that were broadcast: `data` names them by hash, so that each goes to a worker once. */
  readonly broadcasts: readonly Broadcast[]
  /** Absolute folder that `require` and `import()` resolve from on this file system: the notebook's. */
  readonly resolveFrom: string
  /** npm packages and node builtins the code imports, as written. */
  readonly imports: readonly string[]
  /** Of those, packages that workers elsewhere have themselves. */
  readonly external?: readonly string[]
  /** The process it comes from: two may give what perWorker builds the same id, and a worker elsewhere may serve both. */
  readonly origin?: string | undefined
}

export interface Captured {
  readonly shipment: Shipment
  /** Encodes inputs, decodes results. */
  readonly codec: Codec
  /** The same for workers elsewhere: takes results in the portable form only, whose reading runs no code. */
  readonly untrusted: Codec
  /** A worker's stack with the positions of shipped code turned into the cell's own lines; frames of our runtime dropped. */
  mapStack(stack: string): string
}

/** What a worker gets from `load(shipment)`. */
export interface Loaded {
  readonly fn: (...args: unknown[]) => unknown
  /** Decodes inputs, encodes results. */
  readonly codec: Codec
}

/** One top-level name of the notebook. */
export type Binding =
  | { readonly kind: "value"; readonly value: unknown }
  /** Bound by an import statement: sent as the import, not as what it holds. `name` is "*" for the namespace. */
  | {
      readonly kind: "import"
      readonly specifier: string
      readonly name: string
      /** What it holds here, so that a result that refers to it is the same thing again. */
      readonly value?: unknown
    }
  /** Declared, and its cell has not reached the declaration yet. */
  | { readonly kind: "uninitialized" }

/** The notebook's cells as capture sees them. The kernel provides it; a plain script has none. */
export interface CellBindings {
  /** Folder the notebook's imports resolve from. */
  readonly folder: string
  /** The live binding of a top-level name; undefined where no cell declared it. */
  lookup(name: string): Binding | undefined
  /** Position (1-based line, 0-based column) in what a file of the notebook's own was compiled to → position in the file. */
  locate?(file: string, line: number, column: number): Located | undefined
  /** Every compiled cell, newest last. `file` is the script's name in stack traces. */
  scripts(): readonly CellScript[]
}

export interface CellScript {
  readonly file: string
  /** The JavaScript that was run. */
  readonly code: string
  /** Position (1-based line, 0-based column) in `code` → position in the cell as typed, and the cell's label for people ("cell 3"). */
  original(line: number, column: number): Located | undefined
}

export interface Located {
  readonly label: string
  readonly line: number
  readonly column: number
}
