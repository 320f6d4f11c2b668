import { expect } from "chai"
import { need } from "../../../support/needs.ts"
import { waitUntil } from "../../../support/processes.ts"
import { type Host, type Hosts, sshHosts } from "../../../support/servers/ssh-hosts.ts"
import { folderOf, open, smallAgent } from "./scene.ts"

/** What hosts have and lack, what is brought there, and what is left. */
describe("Setting up hosts", function () {
  this.timeout(60_000)
  const old =
    "printf '#!/bin/sh\\necho v18.20.8 /usr/local/bin/node\\n' > /usr/local/bin/node; chmod 755 /usr/local/bin/node"
  const moved = [
    "umount /usr/local/bin/node; rm /usr/local/bin/node",
    "mkdir -p ~ada/.nvm/versions/node/v20/bin",
    "touch ~ada/.nvm/versions/node/v20/bin/node",
    "mount --bind /mnt/bin/node ~ada/.nvm/versions/node/v20/bin/node",
    "printf 'echo Welcome to this host\\necho It is slow today >&2\\n' > ~ada/.bashrc",
  ]
  const oldLibc =
    "printf '#!/bin/sh\\necho glibc 2.17\\n' > /mnt/getconf; chmod 755 /mnt/getconf; mount --bind /mnt/getconf /usr/bin/getconf"
  const otherArch =
    'printf \'#!/bin/sh\\n[ "$1" = -m ] && echo riscv64 || exec /mnt/uname "$@"\\n\' > /mnt/uname.new; cp /usr/bin/uname /mnt/uname; chmod 755 /mnt/uname.new; mount --bind /mnt/uname.new /usr/bin/uname'
  let hosts: Hosts
  before(async function () {
    const start = need(this, sshHosts.what, sshHosts.find())
    hosts = await start([
      ...[{}, {}, {}],
      { name: "bare", node: false },
      { name: "old", node: false, setup: old },
      { name: "moved", setup: moved.join("\n") },
      { name: "ancient", node: false, setup: oldLibc },
      { name: "other", node: false, setup: otherArch },
      { name: "full", node: false, homeMiB: 8 },
      { name: "noexec", node: false, setup: "mount -o remount,bind,noexec /home" },
      { name: "readonly", setup: "mount -o remount,bind,ro /home" },
      { name: "twin", homeOf: "h1" },
    ])
  })
  after(() => hosts?.stop())
  const host = (name: string) => hosts.hosts.find((one) => one.name === name) as Host
  const at = (...names: string[]) => open({ hosts: names, sshConfigFile: hosts.sshConfigFile })
  const agentsOf = async (name: string) =>
    (await host(name).run("ps -eo user,args | grep [c]ellfan-agent || true"))
      .trim()
      .split("\n")
      .filter(Boolean)
  const clean = async (...names: string[]) => {
    await using scene = at(...names)
    return scene.provider.clean("all")
  }

  it("takes no more than 5 s for three that have Node, with a line for each", async () => {
    await using scene = open({ hosts: ["h1", "h2,h3"], sshConfigFile: hosts.sshConfigFile, minHosts: 3 })
    const beganMs = Date.now()
    expect(await scene.start()).to.equal(undefined)
    const tookMs = Date.now() - beganMs
    console.log(`      three hosts were ready after ${tookMs} ms`)
    expect(tookMs).to.be.lessThan(5000)
    for (const name of ["h1", "h2", "h3"]) {
      expect(scene.of(name)?.state).to.equal("running")
      expect(scene.said.filter((line) => line.startsWith(name))).to.have.length(1)
      expect(scene.said.join("\n")).to.match(
        new RegExp(`^${name}: ready in \\d\\.\\d s, \\d+ processors?$`, "m"),
      )
      expect(await agentsOf(name)).to.have.length(1)
    }
    expect(scene.provider.hosts.map(({ name, state }) => `${name} ${state}`)).to.deep.equal([
      "h1 running",
      "h2 running",
      "h3 running",
    ])
  })

  it("leaves the agent to itself: it outlives the connection, and a second kernel finds it", async () => {
    const before = await agentsOf("h1")
    await using scene = at("h1")
    await scene.start()
    expect(scene.said).to.have.length(1)
    expect(scene.said[0]).to.match(/^h1: its agent runs already, \d+ processors?$/)
    expect(await agentsOf("h1")).to.deep.equal(before)
  })

  it("keeps what is secret in a file of mode 600, and off every command line", async () => {
    const log = await host("h1").run(`cat ${folderOf("h1")}/pools/test-pool/agent-*.log`)
    expect(log.trim()).to.equal(`config {"host":"h1","secret":"it's $ecret \`x\` \\\\"} 600`)
    const [listed] = await agentsOf("h1")
    expect(listed).to.match(
      /^ada +\/usr\/local\/bin\/node \S+cellfan-agent-0123456789abcdef\S+\.mjs \S+\.json$/,
    )
    const modes = await host("h1").run(`find ${folderOf("h1")} -printf '%m %y\\n' | sort -u`)
    expect(modes.trim().split("\n")).to.deep.equal(["600 f", "700 d"])
  })

  it("starts an agent of another version beside, and asks the older one to end", async () => {
    await using scene = at("h1")
    await scene.start(smallAgent({ hash: "fedcba9876543210" }))
    // The older one is asked, not killed: it takes its own time.
    await waitUntil(async () => (await agentsOf("h1")).length === 1)
    expect((await agentsOf("h1")).join()).to.include("cellfan-agent-fedcba9876543210")
  })

  it("starts one agent where two kernels do so at once", async () => {
    await clean("h2")
    await using one = at("h2")
    await using other = at("h2")
    await Promise.all([one.start(), other.start()])
    expect(await agentsOf("h2")).to.have.length(1)
  })

  it("leaves nothing on hosts that are cleaned, and says what it ended", async () => {
    await using scene = at("h2", "h3")
    await scene.start()
    const said = await scene.provider.clean("own")
    expect(said).to.deep.equal([
      "h2: ended agent-0123456789ab",
      `h2: removed ${await homeOf("h2")}/.cache/cellfan/hosts/h2`,
      "h3: ended agent-0123456789ab",
      `h3: removed ${await homeOf("h3")}/.cache/cellfan/hosts/h3`,
    ])
    expect(await agentsOf("h2")).to.deep.equal([])
    expect(
      (await host("h2").run("ls -A ~ada/.cache /var/tmp /tmp")).split(/\s+/).filter(Boolean),
    ).to.have.length(3)
    // A second time there is nothing to do; and what others run is not touched.
    expect(await scene.provider.clean("own")).to.not.include("h2: ended agent-0123456789ab")
    expect(await agentsOf("h1")).to.have.length(1)
  })
  const homeOf = async (name: string) => (await host(name).run("echo ~ada")).trim()

  it("brings this machine's Node to a host that has none, once", async () => {
    await using scene = at("bare")
    expect(await scene.start()).to.equal(undefined)
    expect(scene.said[0]).to.match(
      /^bare has no Node 20\.19, 22\.12 or newer: this machine's v\d+\.\d+\.\d+ is brought there \(\d+ MB\)$/,
    )
    expect((await agentsOf("bare")).join()).to.include(`/node/${process.version}-`)
    await scene.provider.clean("own")
    await using again = at("bare")
    await again.start()
    expect(again.said[0]).to.match(/^bare has no Node/)
    await again.provider.close()
    await using third = at("bare")
    await third.start(smallAgent({ pool: "another" }))
    expect(third.said).to.have.length(1)
    expect(third.said[0]).to.match(/^bare: ready in/)
  })

  it("does not take a Node that is too old, and says so", async () => {
    await using scene = at("old")
    expect(await scene.start()).to.equal(undefined)
    expect(scene.said[0]).to.match(
      /^old has no Node 20\.19, 22\.12 or newer \(it has v18\.20\.8\): this machine's/,
    )
  })

  it("finds Node where a version manager put it, past a login shell that prints", async () => {
    await using scene = at("moved")
    expect(await scene.start()).to.equal(undefined)
    expect(scene.said).to.have.length(1)
    expect((await agentsOf("moved")).join()).to.include("/.nvm/versions/node/v20/bin/node")
  })

  it("says which glibc a host lacks, and does not bring what cannot run", async () => {
    await using scene = at("ancient")
    expect((await scene.start())?.message).to.match(
      /- ancient has no Node 20\.19, 22\.12 or newer, and this machine's Node needs glibc 2\.\d+ or newer, and the host has glibc 2\.17\. Install one there; a folder in your home will do: https:/,
    )
  })

  it("says that a host is of another kind than this machine", async () => {
    await using scene = at("other")
    expect((await scene.start())?.message).to.match(
      /- other has no Node .+, and this machine's Node is for linux \w+, and the host is linux riscv64\. Install one there/,
    )
  })

  it("says that there is no room, and leaves no half of a file", async () => {
    await using scene = at("full")
    const error = await scene.start()
    expect(error?.message).to.match(
      /- Node could not be brought to full \(\S+\/node\): .*No space left on device/,
    )
    expect(scene.of("full")?.kind).to.equal("quota")
    expect(await host("full").run("find /home -name 'node*' -type f")).to.equal("")
  })

  it("goes to another folder where programs in the home may not run, or nothing can be written there", async () => {
    await using scene = open({ hosts: ["noexec,readonly"], sshConfigFile: hosts.sshConfigFile, minHosts: 2 })
    expect(await scene.start()).to.equal(undefined)
    for (const name of ["noexec", "readonly"])
      expect((await agentsOf(name)).join()).to.include("/var/tmp/cellfan-2001/")
    expect(await scene.provider.clean("own")).to.include("readonly: removed /var/tmp/cellfan-2001")
  })

  it("keeps hosts with one home folder apart", async () => {
    await clean("h1")
    await using scene = open({ hosts: ["h1,twin"], sshConfigFile: hosts.sshConfigFile, minHosts: 2 })
    await scene.start()
    expect(await agentsOf("h1")).to.have.length(1)
    expect(await agentsOf("twin")).to.have.length(1)
    await using one = at("h1")
    await one.provider.clean("all")
    expect(await agentsOf("h1")).to.have.length(0)
    expect(await agentsOf("twin")).to.have.length(1)
  })

  it("says the last words of an agent that ends at once", async () => {
    await using scene = at("h3")
    const code = Buffer.from("throw new Error('no queue is there')")
    expect((await scene.start(smallAgent({ code, hash: "00ff" })))?.message).to.match(
      /- h3 could not start agent-00ff \(\S+\/agent-00ff\.log\): [\s\S]*Error: no queue is there/,
    )
  })

  it("goes on with those that came up, and names those that did not", async () => {
    await using scene = open({ hosts: ["h1", "h2:9", "h3"], sshConfigFile: hosts.sshConfigFile, minHosts: 2 })
    expect(await scene.start()).to.equal(undefined)
    expect(scene.of("h2:9")?.state).to.equal("failed")
    expect(scene.said.filter((line) => line.startsWith("h2:9 is left out. "))).to.have.length(1)
    await using three = open({ hosts: ["h1", "h2:9", "h3"], sshConfigFile: hosts.sshConfigFile, minHosts: 3 })
    expect((await three.start())?.message).to.match(
      /^Of 3 hosts, 2 came up, and 3 are needed \(option `minHosts`\):\n- h2:9 \(10\..+, port 9\) refuses the connection/,
    )
    await using four = open({ hosts: ["h1"], sshConfigFile: hosts.sshConfigFile, minHosts: 4 })
    expect((await four.start())?.message).to.equal("Option `minHosts` is 4, and `hosts` has 1.")
    await using none = open({ sshConfigFile: hosts.sshConfigFile })
    expect((await none.start())?.message).to.equal(
      "Backend ssh needs hosts: set option `hosts` (--hosts a,user@b:2222,c; names of ~/.ssh/config will do) or `hostsFile`.",
    )
  })

  it("tells which hosts could not be cleaned, after it has cleaned the others", async () => {
    await using scene = at("h1", "h2:9")
    const error = await scene.provider.clean("all").catch((problem: Error) => problem)
    expect((error as Error).message).to.match(
      /^1 host of 2 could not be cleaned; run it again when they can be reached:\n- h2:9 .+ refuses/,
    )
    expect(await agentsOf("h1")).to.deep.equal([])
  })

  it("can be closed twice, before it began, and in the middle", async () => {
    const early = at("h1")
    await early.provider.close()
    const scene = at("h1", "h2")
    const starting = scene.start()
    await new Promise((resolve) => setTimeout(resolve, 60))
    await scene.provider.close()
    await scene.provider.close()
    expect((await starting)?.message).to.equal("The backend ssh was closed.")
  })

  it("ends with its signal", async () => {
    await using scene = at("h1", "h2")
    const abort = new AbortController()
    const starting = scene.provider
      .start(smallAgent(), { host: () => {}, say: () => {} }, abort.signal)
      .catch((error: Error) => error)
    setTimeout(() => abort.abort(new Error("enough")), 60)
    expect(await starting).to.have.property("message", "enough")
  })
})
