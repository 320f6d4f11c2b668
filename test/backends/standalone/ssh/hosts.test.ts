import { execFile } from "node:child_process"
import { existsSync } from "node:fs"
import { promisify } from "node:util"
import { expect } from "chai"
import { need } from "../../../support/needs.ts"
import { root } from "../../../support/repository.ts"
import { type Host, type Hosts, sshHosts } from "../../../support/servers/ssh-hosts.ts"

const execute = promisify(execFile)

describe("Test hosts", () => {
  let hosts: Hosts
  before(async function () {
    this.timeout(60_000)
    const start = need(this, sshHosts.what, sshHosts.find())
    hosts = await start([{}, { node: false, port: 2222 }, { user: "root" }, { name: "inner", behind: "h1" }])
  })
  after(() => hosts?.stop())

  const ssh = async (name: string, script: string) =>
    (
      await execute("ssh", ["-F", hosts.sshConfigFile, "-o", "BatchMode=yes", name, script], { cwd: "/" })
    ).stdout.trim()
  const at = (index: number): Host => hosts.hosts[index] as Host

  it("are logged in to by name, each as itself and its own user", async () => {
    expect(await ssh("h1", "hostname; id -un; pwd")).to.equal("h1\nada\n/home/ada")
    expect(await ssh("h2", "hostname; id -un; pwd")).to.equal("h2\nada\n/home/ada")
    expect(await ssh("h3", "hostname; id -un; pwd")).to.equal("h3\nroot\n/root")
    expect(await ssh("inner", "hostname")).to.equal("inner")
  })

  it("have Node or have none, and see nothing of this clone nor of each other", async () => {
    expect(await ssh("h1", "node -p process.version")).to.equal(process.version)
    expect(await ssh("h2", "node -v || echo none")).to.equal("none")
    expect(await ssh("h1", `ls ${root} | wc -l; echo here > ~/note`)).to.equal("0")
    expect(await ssh("h2", "ls ~")).to.equal("")
  })

  it("run no process of this machine, and collect those whose parents are gone", async () => {
    await at(0).run("(sleep 0.1 &) ; sleep 0.3")
    const listed = await at(0).run("ps -eo stat,args")
    expect(listed).to.include("sshd -D").and.not.match(/^Z/m)
    expect(listed).to.not.include("mocha")
  })

  it("come back with their files after their power was cut", async function () {
    this.timeout(20_000)
    await ssh("h2", "echo kept > ~/note; sync; (sleep 1000 >/dev/null 2>&1 &)")
    await at(1).powerOff()
    await at(1).powerOn()
    expect(await ssh("h2", "cat ~/note; pgrep sleep || echo gone")).to.equal("kept\ngone")
  })

  it("leave nothing behind", async function () {
    this.timeout(20_000)
    const { hosts: all, folder, stop } = await need(this, sshHosts.what, sshHosts.find())([{}])
    expect(all).to.have.length(1)
    await stop()
    expect(existsSync(folder)).to.equal(false)
    const { stdout } = await execute("ip", ["-4", "addr"])
    expect(stdout).to.not.include(all[0]?.address.replace(/\.\d+$/, "."))
  })
})
