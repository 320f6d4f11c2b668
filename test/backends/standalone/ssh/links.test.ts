import { once } from "node:events"
import { createServer, type Server } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "chai"
import { need } from "../../../support/needs.ts"
import { openDescriptors, waitUntil } from "../../../support/processes.ts"
import { type Host, type Hosts, sshHosts } from "../../../support/servers/ssh-hosts.ts"
import { open, type Scene } from "./scene.ts"

/** Cables that are cut, hosts whose power fails, and what is mended. */
describe("Links to hosts", function () {
  this.timeout(120_000)
  let hosts: Hosts
  before(async function () {
    const start = need(this, sshHosts.what, sshHosts.find())
    hosts = await start([{}, {}, { name: "inner", behind: "h1" }])
  })
  after(() => hosts?.stop())
  const host = (name: string) => hosts.hosts.find((one) => one.name === name) as Host
  const at = (...names: string[]) => open({ hosts: names, sshConfigFile: hosts.sshConfigFile })
  const agentsOf = async (name: string) =>
    (await host(name).run("pgrep -f [c]ellfan-agent || true")).trim().split("\n").filter(Boolean)
  const saidBy = (scene: Scene, pattern: RegExp) => scene.said.some((line) => pattern.test(line))

  it("are mended when a cable was out, while the agent goes on; then tunnels lead home again", async () => {
    const server = await startEcho()
    try {
      await using scene = at("h1", "h2")
      const { agents } = await scene.provider.expose(server.port, scene.events, AbortSignal.timeout(60_000))
      const [address = ""] = agents
      expect(address).to.match(/^tls:\/\/127\.0\.0\.1:\d+$/)
      const port = Number(new URL(address).port)
      await scene.start()
      const asks = (name: string) =>
        host(name).run(
          `exec 2>/dev/null; timeout 2 bash -c 'exec 3<>/dev/tcp/127.0.0.1/${port}; echo ${name} >&3; head -n 1 <&3' || true`,
        )
      expect((await asks("h1")).trim()).to.equal("h1")
      expect((await asks("h2")).trim()).to.equal("h2")
      const [agent] = await agentsOf("h1")

      await host("h1").linkDown()
      await waitUntil(
        () => saidBy(scene, /^h1: the connection was lost \(it does not answer\); what runs there goes on/),
        30_000,
      )
      expect((await asks("h2")).trim()).to.equal("h2")
      await waitUntil(() => scene.of("h1")?.state === "lost", 40_000)
      expect(scene.of("h1")?.reason).to.match(
        /^it does not answer\. h1 .+(does not answer|no route leads there)/,
      )
      await host("h1").linkUp()
      await waitUntil(() => scene.of("h1")?.state === "running", 40_000)
      expect(saidBy(scene, /^h1: connected again after \d+ s$/)).to.equal(true)
      // Its sshd had not noticed: the old connection still held the tunnel's port.
      expect((await asks("h1")).trim()).to.equal("h1")
      expect(await agentsOf("h1")).to.deep.equal([agent])
    } finally {
      server.close()
    }
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

/** Says what it is told. */
async function startEcho(): Promise<{ port: number; close(): void }> {
  const server: Server = createServer((socket) => socket.on("error", () => {}).pipe(socket))
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  return { port: (server.address() as { port: number }).port, close: () => server.close() }
}
