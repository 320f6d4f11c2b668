import { execFile } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { deserialize, serialize } from "node:v8"
import { build } from "esbuild"
import { bundlePackages } from "../../../kernel-ext/capture/packages.ts"
import type { Captured, Encoded } from "../../../kernel-ext/capture/types.ts"
import { TaskError } from "../../../kernel-ext/errors.ts"

/** What bare-worker.ts answers for a task. */
export type BareOutcome =
  | { readonly result: Encoded }
  | { readonly name: string; readonly message: string; readonly stack: string }

let worker: Promise<string> | undefined

/** The loader alone, as a file that needs nothing beside it. */
async function bareWorker(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "bare-worker.ts")],
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20.19",
    write: false,
  })
  return outputFiles[0]?.text ?? ""
}

/** Runs tasks with nothing but node and what was shipped: an empty folder, another process, no environment. */
export async function runInEmptyFolder(captured: Captured, inputs: readonly unknown[]): Promise<unknown[]> {
  const { shipment, codec, untrusted, mapStack } = captured
  worker ??= bareWorker()
  const packages = await bundlePackages(shipment.imports, { folder: shipment.resolveFrom })
  const folder = mkdtempSync(join(tmpdir(), "cellfan-empty-"))
  try {
    writeFileSync(join(folder, "worker.cjs"), await worker)
    const message = {
      shipment: { ...shipment, resolveFrom: folder },
      packages,
      inputs: codec.encodeEach(inputs, (index) => `inputs[${index}]`),
    }
    writeFileSync(join(folder, "message"), serialize(message))
    await promisify(execFile)(process.execPath, ["worker.cjs"], { cwd: folder, env: {} })
    const outcomes = deserialize(readFileSync(join(folder, "outcomes"))) as BareOutcome[]
    return outcomes.map((outcome, index) => {
      if ("result" in outcome) return untrusted.decode(outcome.result)
      const details = {
        index,
        attempt: 1,
        worker: undefined,
        logs: [],
        remoteName: outcome.name,
        remoteMessage: outcome.message,
      }
      throw new TaskError(outcome.message, details, { stack: mapStack(outcome.stack) })
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
