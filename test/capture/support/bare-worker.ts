import { readFileSync, writeFileSync } from "node:fs"
import { deserialize, serialize } from "node:v8"
import type { PackageBundle } from "../../../kernel-ext/capture/load/packages.ts"
import { load } from "../../../kernel-ext/capture/load.ts"
import type { Encoded, Shipment } from "../../../kernel-ext/capture/types.ts"
import type { BareOutcome } from "./empty-folder.ts"

/** Runs each task of `message` and leaves `outcomes`. Bundled to one file that runs with bare node. */
async function main(): Promise<void> {
  const { shipment, packages, inputs } = deserialize(readFileSync("message")) as {
    shipment: Shipment
    packages: PackageBundle | undefined
    inputs: Encoded
  }
  const { fn, codec } = load(shipment, { packages, results: "portable" })
  const outcomes: BareOutcome[] = []
  for (const input of codec.decodeEach(inputs)) {
    try {
      outcomes.push({ result: codec.encode(await fn(input), "result") })
    } catch (thrown) {
      const error = thrown as Error
      outcomes.push({ name: error.name, message: error.message, stack: error.stack ?? "" })
    }
  }
  writeFileSync("outcomes", serialize(outcomes))
}

main().catch((error) => {
  // A failure of the loader itself must not look like an outcome.
  console.error(error)
  process.exitCode = 1
})
