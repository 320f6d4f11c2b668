import type { BackendFacts } from "../later.ts"
import type { Platform } from "./platform.ts"

/** What is known of all serverless backends before their code is loaded. */
export function serverlessFacts({
  name,
  endsLeftCalls,
  streams,
  limits,
}: Pick<Platform, "name" | "endsLeftCalls" | "streams" | "limits">) {
  return {
    ...{ name, remote: true },
    /** A call takes some tens of milliseconds, and is billed for at least one. */
    ...{ batchMs: 500, ahead: 0 },
    supports: {
      ...{ logs: true, reattach: false, takeBack: false },
      ...{ cancel: endsLeftCalls === true, progress: streams },
      memoryMiB: { least: limits.leastMemoryMiB ?? 1, most: limits.memoryMiB },
    },
  } satisfies Omit<BackendFacts, "workers">
}
