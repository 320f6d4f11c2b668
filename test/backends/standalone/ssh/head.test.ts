import { connect } from "node:net"
import { expect } from "chai"
import type { HeadPlace, HeadRecipe, QueueAddress } from "../../../../kernel-ext/backends/standalone/hosts.ts"
import { need } from "../../../support/needs.ts"
import { waitUntil } from "../../../support/processes.ts"
import { natsServer } from "../../../support/servers/nats.ts"
import { type Host, type Hosts, sshHosts } from "../../../support/servers/ssh-hosts.ts"
import { open } from "./scene.ts"

/** The queue's server on the first host. */
describe("A head among hosts", function () {
  this.timeout(60_000)
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
  const never = new AbortController().signal

  const places: HeadPlace[] = []
  const recipe = (more: Partial<HeadRecipe> = {}): HeadRecipe => ({
    pool: "queue",
    server: async () => program,
    files: (place) => {
      places.push(place)
      return { "nats.conf": `port: ${place.port}\njetstream { store_dir: "${place.folder}/data" }\n` }
    },
    ...more,
  })
  /** The first line that a server of NATS says. */
  const greeting = async (address: string | undefined) => {
    const { hostname, port } = new URL(address ?? "")
    const socket = connect({ host: hostname, port: Number(port) })
    try {
      const text = await new Promise<string>((resolve, reject) => {
        socket.once("data", (bytes) => resolve(bytes.toString())).once("error", reject)
      })
      return JSON.parse(text.slice(5)) as { jetstream: boolean; server_id: string; port: number }
    } finally {
      socket.destroy()
    }
  }
  let first: QueueAddress

  it("runs there, is reached by agents at the host's address, and by this process straight", async () => {
    await using scene = at("h1", "h2")
    first = await scene.provider.head(recipe(), scene.events, never)
    const { address } = host("h1")
    expect(first.kernel).to.have.length(1)
    expect(first.kernel[0]).to.match(new RegExp(`^tls://${address}:\\d+$`))
    expect(first.agents[0]).to.equal(first.kernel[0])
    expect((await greeting(first.kernel[0])).jetstream).to.equal(true)
    const port = Number(new URL(first.agents[0] ?? "").port)
    expect(places[0]).to.deep.include({ port })
    expect(places[0]?.addresses).to.include.members([address, "h1", "localhost", "127.0.0.1"])
    expect(places[0]?.folder).to.match(/\/\.cache\/cellfan\/hosts\/h1\/pools\/queue\/head$/)
    // By another host, too.
    const said = await host("h2").run(`bash -c 'exec 3<>/dev/tcp/${address}/${port}; head -c 4 <&3'`)
    expect(said).to.equal("INFO")
    const modes = await host("h1").run(`find ${places[0]?.folder} -maxdepth 1 -printf '%m %f\\n'`)
    expect(modes.trim().split("\n")).to.include.members([
      "700 head",
      "700 nats-server",
      "600 nats.conf",
      "600 nats.pid",
    ])
  })

  it("is found again by another kernel, with all it has", async () => {
    const { server_id } = await greeting(first.kernel[0])
    await using scene = at("h1", "h2")
    const again = await scene.provider.head(recipe(), scene.events, never)
    expect(again).to.deep.equal(first)
    expect((await greeting(again.kernel[0])).server_id).to.equal(server_id)
  })

  it("comes back at its address after the host's power was out", async () => {
    await using scene = at("h1")
    await scene.provider.head(recipe(), scene.events, never)
    const { server_id } = await greeting(first.kernel[0])
    await host("h1").powerOff()
    await host("h1").powerOn()
    await waitUntil(() => scene.said.some((line) => /^h1: connected again/.test(line)), 60_000)
    const back = await greeting(first.kernel[0])
    expect(back.server_id).to.not.equal(server_id)
    expect(back.port).to.equal(Number(new URL(first.kernel[0] ?? "").port))
  })

  it("is reached by a tunnel where no straight way leads to its host", async () => {
    await using scene = at("inner")
    const { kernel } = await scene.provider.head(recipe(), scene.events, never)
    expect(kernel[0]).to.match(/^tls:\/\/127\.0\.0\.1:\d+$/)
    expect((await greeting(kernel[0])).jetstream).to.equal(true)
  })

  it("says what its server says where it does not start", async () => {
    await using scene = at("h2")
    const files = ({ port }: HeadPlace) => ({ "nats.conf": `port: ${port}\nno such thing\n` })
    const error = await scene.provider
      .head(recipe({ files }), scene.events, never)
      .catch((problem: Error) => problem)
    expect((error as Error).message).to.match(
      /^The first host runs the queue's server, and h2 could not start nats \(\S+\/nats\.log\): nats-server: Parse error on line 2/,
    )
    expect(scene.of("h2")?.state).to.equal("failed")
  })

  it("is ended by clean, with its data", async () => {
    await using scene = at("h1", "inner")
    await scene.provider.head(recipe(), scene.events, never)
    const said = await scene.provider.clean("own")
    expect(said).to.include.members(["h1: ended nats", "inner: ended nats"])
    expect(await host("h1").run("pgrep nats-server || true; ls -A ~ada/.cache")).to.equal("")
    const refused = await greeting(first.kernel[0]).catch((problem: Error) => problem)
    expect(refused).to.be.an("error")
  })
})
