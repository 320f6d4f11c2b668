import { Script } from "node:vm"
import { createCodec } from "./codec/codec.ts"
import type { Loaded, Shipment } from "./types.ts"

export function load(shipment: Shipment): Loaded {
  const script = new Script(shipment.code, { filename: `cellfan-${shipment.hash}.js` })
  const fn = (script.runInThisContext() as () => Loaded["fn"])()
  return { fn, codec: createCodec() }
}
