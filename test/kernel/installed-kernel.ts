import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { KernelClient } from "../support/kernel-client.ts"
import { root } from "../support/repository.ts"

export interface InstalledKernel {
  /** Where it runs. */
  readonly folder: string
  readonly kernel: KernelClient
}

export function startInstalled(folder: string): Promise<KernelClient> {
  return KernelClient.start({ command: [process.execPath, join(root, "dist", "kernel.js")], cwd: folder })
}

/** Call within a `describe`: `use` gets a kernel as it is installed, in a folder of its own, when it has run `setup`. */
export function installedKernel(setup: string, use: (installed: InstalledKernel) => void): void {
  let folder: string | undefined
  let kernel: KernelClient | undefined

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cellfan-kernel-"))
    kernel = await startInstalled(folder)
    await kernel.execute(setup)
    use({ folder, kernel })
  })
  after(async () => {
    await kernel?.close()
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  })
}
