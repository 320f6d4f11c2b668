import type { CleanScope } from "../backends/backend.ts"
import { configuration } from "../config/load.ts"
import { describeStorage } from "../config/storage.ts"
import { StorageClient } from "../storage/storage.ts"
import { type Cleaned, cleanTemporary } from "../storage/temporary.ts"

/** Deletes what jobs of any process have left in the configured storage: what is past its time, or all of it. */
export function cleanConfiguredStorage(scope: CleanScope): Promise<Cleaned> {
  const storage = new StorageClient(() => describeStorage(configuration()))
  return cleanTemporary(storage, scope === "all" ? "all" : "expired")
}
