import { mkdtemp, rm } from "node:fs/promises"
import { join } from "node:path"
import { build } from "esbuild"
import { keptPackages } from "../../../scripts/build/bundles.mjs"
import { KernelClient } from "../../support/kernel-client.ts"
import { root } from "../../support/repository.ts"

export type PlainKernel = Awaited<ReturnType<typeof startPlainKernel>>

/** Builds the plain kernel and starts one; `command` starts more of them. */
export async function startPlainKernel() {
  const { command, remove } = await buildPlainKernel()
  const kernel = await KernelClient.start({ command })
  const close = async () => {
    await kernel.close()
    await remove()
  }
  return { kernel, command, close }
}

/** plain-kernel.ts as a program. A helper thread cannot load TypeScript by itself, so it is bundled, as the kernel's own is. */
export async function buildPlainKernel(): Promise<{ command: string[]; remove(): Promise<void> }> {
  // Within the clone, so that the packages are found.
  const folder = await mkdtemp(join(root, "node_modules", ".plain-kernel-"))
  await build({
    entryPoints: { kernel: join(root, "test/kernel/protocol/plain-kernel.ts") },
    outdir: folder,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20.19",
    splitting: true,
    external: [...keptPackages, "tslab"],
    logLevel: "warning",
    banner: {
      js: 'import { createRequire as makeRequire } from "node:module"; const require = makeRequire(import.meta.url)',
    },
  })
  return {
    command: [process.execPath, join(folder, "kernel.js")],
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
