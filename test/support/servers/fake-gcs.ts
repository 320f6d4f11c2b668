import { join } from "node:path"
import { findProgram } from "../needs.ts"
import { type Server, startServer } from "./server-process.ts"

/** Google Cloud Storage as fsouza's server has it, in memory. */

export const fakeGcs = {
  what: "fake-gcs-server (go install github.com/fsouza/fake-gcs-server@v1.56.1)",
  find: (): string | undefined => findProgram("fake-gcs-server"),
}

export function startFakeGcs(command: string): Promise<Server> {
  return startServer({
    name: "fake-gcs-server",
    command,
    args: (port, folder) => [
      ...["-scheme", "http", "-host", "127.0.0.1", "-port", String(port), "-backend", "memory"],
      ...["-data", join(folder, "none")],
      ...["-external-url", `http://127.0.0.1:${port}`, "-public-host", `127.0.0.1:${port}`],
    ],
    isReady: async (url) => (await fetch(`${url}/_internal/healthcheck`)).ok,
  })
}
