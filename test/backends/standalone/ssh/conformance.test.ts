import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { SshHosts } from "../../../../kernel-ext/backends/standalone/ssh/ssh-hosts.ts"
import { StandaloneBackend } from "../../../../kernel-ext/backends/standalone/standalone.ts"
import { conformsToBackend } from "../../../conformance/backend.ts"
import { need } from "../../../support/needs.ts"
import { natsServer as findServer } from "../../../support/servers/nats.ts"
import { type Hosts, sshHosts } from "../../../support/servers/ssh-hosts.ts"

describe("Hosts by SSH", () => {
  const home = process.env.HOME
  // What is kept of its pool is no business of whoever runs the tests.
  const folder = mkdtempSync(join(tmpdir(), "cellfan-home-"))
  let hosts: Hosts
  let natsServer: string
  before(async function () {
    this.timeout(60_000)
    natsServer = need(this, findServer.what, findServer.find())
    hosts = await need(this, sshHosts.what, sshHosts.find())()
    process.env.HOME = folder
  })
  after(async () => {
    await hosts?.stop()
    process.env.HOME = home
    rmSync(folder, { recursive: true, force: true })
  })

  conformsToBackend("ssh", () => {
    const pool = "conformance"
    const names = hosts.hosts.map(({ name }) => name)
    const provider = new SshHosts({ hosts: names, minHosts: 3, sshConfigFile: hosts.sshConfigFile })
    return new StandaloneBackend({
      ...{ name: "ssh", pool, keepMs: 600_000, replicas: 1, expectedWorkers: 3 },
      machines: { pool, provider, natsServer, agents: { workersPerHost: 1 } },
    })
  })
})
