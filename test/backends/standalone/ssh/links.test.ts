import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import type { HeadPlace } from "../../../../kernel-ext/backends/standalone/hosts.ts"
import { need } from "../../../support/needs.ts"
import { openDescriptors, waitUntil } from "../../../support/processes.ts"
import { natsServer } from "../../../support/servers/nats.ts"
import { type Host, type Hosts, sshHosts } from "../../../support/servers/ssh-hosts.ts"
import { open, type Scene } from "./scene.ts"

/** Cables that are cut, hosts whose power fails, and what is mended. */
describe("Links to hosts", function () {
  this.timeout(120_000)
  let hosts: Hosts
  let program: string
  before(async function () {
    program = need(this, natsServer.what, natsServer.find())
    const start = need(this, sshHosts.what, sshHosts.find())
    hosts = await start([{}, {}, { name: "inner", behind: "h1" }])
  })
  after(() => hosts?.stop())
  const host = (name: string) => hosts.hosts.find((one) => one.name === name) as Host
  const at = (...names: string[]) => open({ hosts: names, sshConfigFile: hosts.sshConfigFile })
  const agentsOf = async (name: string) =>
    (await host(name).run("pgrep -f [c]ellfan-agent || true")).trim().split("\n").filter(Boolean)
  const saidBy = (scene: Scene, pattern: RegExp) => scene.said.some((line) => pattern.test(line))

  it("are mended when a cable was out, while the agent goes on; then tunnels lead to the server again", async () => {
    const recipe = {
      pool: "test-pool",
      server: async () => program,
      files: ({ port }: HeadPlace) => ({ "nats.conf": `port: ${port}\n` }),
    }
    await using scene = at("h1", "h2")
    // No way leads from the one to the other.
    await host("h2").run(`ip route add prohibit ${host("h1").address}/32`)
    const { agents } = await scene.provider.head(recipe, scene.events, AbortSignal.timeout(60_000))
    await scene.start()
    await waitUntil(() => scene.of("h2")?.state === "running", 20_000)
    const port = Number(new URL(agents[0] ?? "").port)
    expect(agents.at(-1)).to.equal(`tls://127.0.0.1:${port}`)
    expect(scene.said.find((line) => line.includes("cannot reach"))).to.match(
      /^h2 cannot reach the queue's server on h1 \(port \d+ of 10\..+\): it does so through this machine, and no longer than that runs\. Open the port between the hosts for jobs that outlive it$/,
    )
    const asks = () =>
      host("h2").run(`timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}; head -c 4 <&3' || true`)
    expect(await asks()).to.equal("INFO")
    const agent = await agentsOf("h2")

    await host("h2").linkDown()
    await waitUntil(
      () => saidBy(scene, /^h2: the connection was lost \(it does not answer\); what runs there goes on/),
      30_000,
    )
    await waitUntil(() => scene.of("h2")?.state === "lost", 60_000)
    expect(scene.of("h2")?.reason).to.match(
      /^it does not answer\. h2 .+(does not answer|no route leads there)/,
    )
    await host("h2").linkUp()
    await waitUntil(() => scene.of("h2")?.state === "running", 40_000)
    expect(saidBy(scene, /^h2: connected again after \d+ s$/)).to.equal(true)
    // Its sshd had not noticed: the old connection still held the tunnel's port.
    expect(await asks()).to.equal("INFO")
    expect(await agentsOf("h2")).to.deep.equal(agent)
    await scene.provider.clean("own")
  })

  it("are mended after a host's power was out, and its agent is started again", async () => {
    await using scene = at("h2")
    await scene.start()
    await host("h2").powerOff()
    await sleep(1000)
    await host("h2").powerOn()
    await waitUntil(() => saidBy(scene, /^h2: connected again/), 60_000)
    expect(await agentsOf("h2")).to.have.length(1)
  })

  it("are mended behind a host that was away itself", async () => {
    await using scene = at("inner")
    await scene.start()
    await host("h1").linkDown()
    await waitUntil(() => saidBy(scene, /^inner: the connection was lost/), 30_000)
    await host("h1").linkUp()
    await waitUntil(() => saidBy(scene, /^inner: connected again/), 60_000)
    expect(scene.of("inner")?.state).to.equal("running")
  })

  it("are not tried again to a host that shows another key meanwhile", async () => {
    await using scene = at("h2")
    await scene.start()
    await host("h2").linkDown()
    await waitUntil(() => saidBy(scene, /^h2: the connection was lost/), 30_000)
    await host("h2").run(
      "ssh-keygen -q -t ed25519 -N '' -f /run/new; cat /run/new > /mnt/key_ed25519; pkill -o -f 'sshd -D' || true; rm -f /run/new*; (/usr/sbin/sshd -f /mnt/sshd_config)",
    )
    await host("h2").linkUp()
    await waitUntil(() => scene.of("h2")?.state === "lost", 60_000)
    expect(scene.of("h2")?.reason).to.match(/^The key of h2 .+ has changed, or somebody stands between/)
    await host("h2").powerOff()
  })

  it("leave no socket and no timer behind when they are closed", async () => {
    const before = openDescriptors()
    const scene = at("h1", "inner")
    await scene.start()
    await scene.provider.close()
    await waitUntil(() => openDescriptors() <= before)
  })
})
