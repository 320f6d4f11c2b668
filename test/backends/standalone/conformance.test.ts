import { StandaloneBackend } from "../../../kernel-ext/backends/standalone/standalone.ts"
import { conformsToBackend } from "../../conformance/backend.ts"
import { need } from "../../support/needs.ts"
import { TestAgent } from "../../support/servers/agents.ts"
import { NatsServer, natsServer } from "../../support/servers/nats.ts"

describe("Machines behind a queue", () => {
  let server: NatsServer
  let agents: TestAgent[] = []
  before(async function () {
    this.timeout(60_000)
    server = await NatsServer.start(need(this, natsServer.what, natsServer.find()))
    agents = await Promise.all(["a", "b"].map((host) => TestAgent.start(server.url, { host, workers: 1 })))
  })
  after(async () => {
    await Promise.all(agents.map((agent) => agent.stop()))
    await server?.stop()
  })

  conformsToBackend(
    "nats",
    () =>
      new StandaloneBackend({
        name: "nats",
        pool: "test",
        access: { servers: [server.url] },
        keepMs: 60_000,
        replicas: 1,
        expectedWorkers: 2,
      }),
  )
})
