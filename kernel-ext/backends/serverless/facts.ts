import type { BackendFacts } from "../later.ts"
import type { Platform } from "./platform.ts"

/** What is known of all serverless backends before their code is loaded. */
export function serverlessFacts({
  name,
  endsLeftCalls,
  streams,
}: Pick<Platform, "name" | "endsLeftCalls" | "streams">) {
  return {
    ...{ name, remote: true },
    /** A call takes some tens of milliseconds, and is billed for at least one. */
    ...{ batchMs: 500, ahead: 0 },
    supports: {
      ...{ logs: true, reattach: false, takeBack: false },
      ...{ cancel: endsLeftCalls === true, progress: streams },
    },
  } satisfies Omit<BackendFacts, "workers">
}
