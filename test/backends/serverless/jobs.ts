import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Platform } from "../../../kernel-ext/backends/serverless/platform.ts"
import { ServerlessBackend } from "../../../kernel-ext/backends/serverless/serverless.ts"
import { Executor } from "../../../kernel-ext/executors/executor.ts"
import type { StorageDescription } from "../../../kernel-ext/protocol/storage.ts"

interface TestOptions {
  readonly workers?: number
  readonly onProgress?: (text: string) => void
  /** Of storage: instances that run on this machine reach it as well. Default: there is none. */
  readonly storageFolder?: string | undefined
  /** In its place: storage of any kind. */
  readonly storage?: StorageDescription
}

/** A backend on a platform of the test's, without pauses that a test would have to wait for. */
export function backendOn(
  platform: Platform,
  { workers = 2, onProgress, storageFolder, storage }: TestOptions = {},
): ServerlessBackend {
  return new ServerlessBackend({
    ...{ platform, workers, firstPauseMs: 10, onProgress },
    storage: () => {
      if (storage !== undefined) return storage
      if (storageFolder === undefined) throw new Error("No storage is configured in this test.")
      return { backend: "localhost", bucket: undefined, options: { root: storageFolder } }
    },
  })
}

/** A folder that is there for the tests of the suite in which this is called. */
export function temporaryFolder(): { path: string } {
  const folder = { path: "" }
  before(async () => {
    folder.path = await mkdtemp(join(tmpdir(), "cellfan-serverless-test-"))
  })
  after(() => rm(folder.path, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}

export class PlatformExecutor extends Executor {
  constructor(platform: Platform, options: TestOptions = {}) {
    super(backendOn(platform, options), {}, {})
  }
}

/** The message of what it rejects with. */
export async function messageOf(promise: PromiseLike<unknown>): Promise<string> {
  try {
    await promise
  } catch (error) {
    const { message, errors } = error as { message: string; errors?: readonly Error[] }
    return [message, ...(errors ?? []).map((one) => one.message)].join("\n")
  }
  throw new Error("It did not fail.")
}
