import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir, userInfo } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { type SettingsSources, settingsOf } from "../../../../kernel-ext/backends/standalone/ssh/settings.ts"
import { parseTarget } from "../../../../kernel-ext/backends/standalone/ssh/targets.ts"
import { findProgram, need } from "../../../support/needs.ts"

describe("Settings of ssh_config", () => {
  let folder: string
  let sshConfigFile: string
  before(function () {
    need(this, "ssh (apt-get install openssh-client)", findProgram("ssh"))
    folder = mkdtempSync(join(tmpdir(), "cellfan-ssh-config-"))
    process.env.CELLFAN_TEST_AGENT = "/run/some-agent"
    sshConfigFile = join(folder, "config")
    mkdirSync(join(folder, "conf.d"))
    writeFileSync(
      sshConfigFile,
      `Include ${folder}/conf.d/*
Host *.lab !bad.lab
  User lab
  IdentityFile ~/.ssh/%h_%r
  IdentityFile "${folder}/with space"
  IdentitiesOnly yes
  ProxyJump first,eva@second:2200
  UserKnownHostsFile ${folder}/known_%k ~/.ssh/other
Host quick
  HostName %h.example.org
  HostKeyAlias cluster
  StrictHostKeyChecking accept-new
  HashKnownHosts yes
  IdentityAgent \${CELLFAN_TEST_AGENT}
  ConnectTimeout 7
  AddressFamily inet6
Host tunnel
  ProxyCommand nc -X 5 %h %p
Match host "x*" exec "true"
  User matched
Host *
  Port 2022
`,
    )
    writeFileSync(join(folder, "conf.d", "more"), "Host included\n  User somebody\n")
  })
  after(() => {
    delete process.env.CELLFAN_TEST_AGENT
    if (folder !== undefined) rmSync(folder, { recursive: true })
  })

  const of = (name: string, more: SettingsSources = {}) =>
    settingsOf(parseTarget(name), { sshConfigFile, ...more })

  it("hold by pattern, first come first served, with files that are included and conditions", async () => {
    expect(await of("node1.lab")).to.include({ user: "lab", host: "node1.lab", port: 2022 })
    expect(await of("bad.lab")).to.include({ user: userInfo().username })
    expect(await of("included")).to.include({ user: "somebody" })
    expect(await of("xy")).to.include({ user: "matched" })
  })

  it("give way to what the name itself says, and that to nothing", async () => {
    expect(await of("me@node1.lab:99", { sshUser: "other" })).to.include({ user: "me", port: 99 })
    expect(await of("node1.lab", { sshUser: "other" })).to.include({ user: "other" })
    const { identityFiles } = await of("node1.lab", { sshKeyFile: "/keys/mine" })
    expect(identityFiles[0]).to.equal("/keys/mine")
  })

  it("name keys, known hosts and jump hosts with tokens filled in", async () => {
    const settings = await of("node1.lab")
    const home = userInfo().homedir
    expect(settings.identityFiles).to.deep.equal([`${home}/.ssh/node1.lab_lab`, `${folder}/with space`])
    expect(settings.identitiesOnly).to.equal(true)
    expect(settings.knownHostsFiles.slice(0, 2)).to.deep.equal([
      `${folder}/known_node1.lab`,
      `${home}/.ssh/other`,
    ])
    expect(settings.jumps).to.deep.equal([
      { name: "first", host: "first" },
      { name: "eva@second:2200", host: "second", user: "eva", port: 2200 },
    ])
  })

  it("say how a host is known, reached and waited for", async () => {
    const settings = await of("quick")
    expect(settings).to.include({
      host: "quick.example.org",
      keyName: "cluster",
      acceptNewKeys: true,
      hashNames: true,
      agentSocket: "/run/some-agent",
      connectTimeoutMs: 7000,
      family: 6,
    })
    expect((await of("tunnel")).proxyCommand).to.equal("nc -X 5 %h %p")
    expect(await of("bad.lab")).to.include({
      acceptNewKeys: false,
      connectTimeoutMs: 15_000,
      family: undefined,
    })
  })

  it("are refused as ssh refuses them, with file and line", async () => {
    const file = join(folder, "wrong")
    writeFileSync(file, "Host a\n  Prot 22\n")
    const error = await of("a", { sshConfigFile: file }).catch((problem: Error) => problem)
    expect(error).to.be.an("error").with.property("name", "BackendError")
    expect((error as Error).message).to.match(
      /^ssh_config cannot be read for a; `ssh -G a` says: .+wrong: line 2: Bad configuration option: prot/,
    )
  })
})
