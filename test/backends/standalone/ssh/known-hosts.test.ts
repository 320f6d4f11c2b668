import { execFileSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { fingerprint, HostKeyCheck } from "../../../../kernel-ext/backends/standalone/ssh/host-key.ts"
import { knownKeysOf } from "../../../../kernel-ext/backends/standalone/ssh/known-hosts.ts"
import type { HostSettings } from "../../../../kernel-ext/backends/standalone/ssh/settings.ts"
import { findProgram, need } from "../../../support/needs.ts"

describe("known_hosts", () => {
  let folder: string
  let file: string
  let keys: { ed25519: string; ecdsa: string; other: string }
  before(function () {
    need(this, "ssh-keygen (apt-get install openssh-client)", findProgram("ssh-keygen"))
    folder = mkdtempSync(join(tmpdir(), "cellfan-known-hosts-"))
    file = join(folder, "known_hosts")
    const make = (name: string, type: string) => {
      execFileSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-f", join(folder, name)])
      return readFileSync(join(folder, `${name}.pub`), "utf8")
        .split(" ")
        .slice(0, 2)
        .join(" ")
    }
    keys = { ed25519: make("one", "ed25519"), ecdsa: make("two", "ecdsa"), other: make("three", "ed25519") }
  })
  after(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true })
  })

  const bytes = (key: string) => Buffer.from(key.split(" ")[1] ?? "", "base64")
  const found = async (host: string, port = 22) =>
    (await knownKeysOf(host, port, [join(folder, "absent"), file])).map(({ kind, where }) => [
      kind,
      Number(where.split(":").at(-1)),
    ])

  it("has hosts by name, address, pattern and port, and skips what it cannot read", async () => {
    writeFileSync(
      file,
      `# Comment
a.example.org,10.0.0.1 ${keys.ed25519} comment
*.lab,!bad.lab ${keys.ed25519}
[b]:2222 ${keys.ecdsa}
not a line
10.?.0.9 ${keys.ecdsa}
`,
    )
    expect(await found("A.example.org")).to.deep.equal([["key", 2]])
    expect(await found("10.0.0.1")).to.deep.equal([["key", 2]])
    expect(await found("node.lab")).to.deep.equal([["key", 3]])
    expect(await found("bad.lab")).to.deep.equal([])
    expect(await found("b", 2222)).to.deep.equal([["key", 4]])
    expect(await found("b")).to.deep.equal([])
    expect(await found("10.7.0.9")).to.deep.equal([["key", 6]])
    // What is known without a port holds for any.
    expect(await found("10.0.0.1", 2222)).to.deep.equal([["key", 2]])
  })

  it("has names that ssh-keygen has hashed", async () => {
    writeFileSync(file, `a ${keys.ed25519}\n[b]:2222 ${keys.ecdsa}\n`)
    execFileSync("ssh-keygen", ["-q", "-H", "-f", file], { stdio: "ignore" })
    expect(readFileSync(file, "utf8")).to.match(/^\|1\|.+\n\|1\|/)
    expect(await found("a")).to.deep.equal([["key", 1]])
    expect(await found("b", 2222)).to.deep.equal([["key", 2]])
    expect(await found("c")).to.deep.equal([])
  })

  const settings = (more: Partial<HostSettings> = {}): HostSettings => ({
    ...{ name: "a", host: "10.0.0.1", port: 22, user: "u", identityFiles: [], identitiesOnly: false },
    ...{ certificates: false, agentSocket: undefined, keyName: "10.0.0.1", knownHostsFiles: [file] },
    ...{ acceptNewKeys: false, hashNames: false, jumps: [], proxyCommand: undefined, connectTimeoutMs: 1000 },
    ...{ family: undefined, localAddress: undefined },
    ...more,
  })
  const judge = async (text: string, key: string, more: Partial<HostSettings> = {}) => {
    writeFileSync(file, text)
    const check = await HostKeyCheck.of(settings(more))
    return { accepted: await check.accepts(bytes(key)), message: check.error?.message ?? "" }
  }

  it("lets in who shows one of a host's keys", async () => {
    const text = `10.0.0.1 ${keys.ecdsa}\n10.0.0.1 ${keys.ed25519}\n`
    expect(await judge(text, keys.ed25519)).to.deep.equal({ accepted: true, message: "" })
    expect((await judge(text, keys.ecdsa)).accepted).to.equal(true)
  })

  it("makes a host show a key of a kind it is known by", async () => {
    writeFileSync(file, `10.0.0.1 ${keys.ecdsa}\n`)
    const check = await HostKeyCheck.of(settings())
    expect(check.order(["ssh-ed25519", "ecdsa-sha2-nistp256", "rsa-sha2-512"])).to.deep.equal([
      "ecdsa-sha2-nistp256",
      "ssh-ed25519",
      "rsa-sha2-512",
    ])
  })

  it("says of an unknown key its fingerprint as ssh-keygen does, and the command that adds it", async () => {
    const shown = execFileSync("ssh-keygen", ["-lf", join(folder, "one.pub")], { encoding: "utf8" })
    expect(shown).to.include(` ${fingerprint(bytes(keys.ed25519))} `)
    const { accepted, message } = await judge("", keys.ed25519)
    expect(accepted).to.equal(false)
    expect(message).to.equal(
      `The key of a (10.0.0.1) is not known. It shows ED25519 key ${fingerprint(bytes(keys.ed25519))}. Compare that with what the host's owner says (there: \`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\`); if it is the same, add it: echo '10.0.0.1 ${keys.ed25519}' >> ${file}`,
    )
    execFileSync("sh", ["-c", message.slice(message.indexOf("echo "))])
    expect((await judge(readFileSync(file, "utf8"), keys.ed25519)).accepted).to.equal(true)
  })

  it("says of another key which one was known, where that stands, and the command that removes it", async () => {
    const text = `# One\n[10.0.0.1]:2222 ${keys.other}\n`
    const { accepted, message } = await judge(text, keys.ed25519, { port: 2222 })
    expect(accepted).to.equal(false)
    expect(message).to.match(
      /^The key of a \(\[10\.0\.0\.1\]:2222\) has changed, or somebody stands between: /,
    )
    expect(message).to.include(`it shows ED25519 key ${fingerprint(bytes(keys.ed25519))} and is known by`)
    expect(message).to.include(`known by ED25519 key ${fingerprint(bytes(keys.other))} in ${file}:2.`)
    const command = /remove the old: (ssh-keygen .+?); then add the new: echo /.exec(message)?.[1] ?? ""
    execFileSync("sh", ["-c", command], { stdio: "ignore" })
    expect(readFileSync(file, "utf8")).to.equal("# One\n")
  })

  it("never takes a key that is revoked, nor one that only an authority vouches for", async () => {
    const revoked = await judge(`10.0.0.1 ${keys.ed25519}\n@revoked * ${keys.ed25519}\n`, keys.ed25519)
    expect(revoked.accepted).to.equal(false)
    expect(revoked.message).to.match(/^The key of a .+ is marked as @revoked in .+:2: it must not be trusted/)
    const vouched = await judge(`@cert-authority *.1 ${keys.other}\n`, keys.ed25519)
    expect(vouched.accepted).to.equal(false)
    expect(vouched.message).to.match(
      /is known by a certificate authority only \(@cert-authority in .+:1\), and cellfan cannot check certificates/,
    )
  })

  it("notes a new key where ssh_config says so, hashed where it says that too, and refuses a changed one", async () => {
    expect((await judge("", keys.ed25519, { acceptNewKeys: true })).accepted).to.equal(true)
    expect(readFileSync(file, "utf8")).to.equal(`10.0.0.1 ${keys.ed25519}\n`)
    await judge("", keys.ed25519, { acceptNewKeys: true, hashNames: true })
    expect(readFileSync(file, "utf8")).to.match(/^\|1\|/)
    expect(await found("10.0.0.1")).to.deep.equal([["key", 1]])
    expect((await judge(readFileSync(file, "utf8"), keys.other, { acceptNewKeys: true })).accepted).to.equal(
      false,
    )
  })
})
