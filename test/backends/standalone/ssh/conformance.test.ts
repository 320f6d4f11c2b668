import { SshHosts } from "../../../../kernel-ext/backends/standalone/ssh/ssh-hosts.ts"
import { StandaloneBackend } from "../../../../kernel-ext/backends/standalone/standalone.ts"
import { conformsToBackend } from "../../../conformance/backend.ts"
import { need } from "../../../support/needs.ts"
import { OwnHome } from "../../../support/own-home.ts"
import { natsServer as findServer } from "../../../support/servers/nats.ts"
import { type Hosts, sshHosts } from "../../../support/servers/ssh-hosts.ts"

describe("Hosts by SSH", () => {
  let home: OwnHome
  let hosts: Hosts
  let natsServer: string
  before(async function () {
    this.timeout(60_000)
    natsServer = need(this, findServer.what, findServer.find())
    hosts = await need(this, sshHosts.what, sshHosts.find())()
    home = new OwnHome()
  })
  after(async () => {
    await hosts?.stop()
    home?.remove()
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
