import { execFileSync, spawn } from "node:child_process"
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { join } from "node:path"
import { expect } from "chai"
import { need } from "../../../support/needs.ts"
import { type Host, type Hosts, sshHosts } from "../../../support/servers/ssh-hosts.ts"
import { open } from "./scene.ts"

/** Who lets us in, who does not, and what is said then. */
describe("Logging in to hosts", function () {
  this.timeout(30_000)
  let hosts: Hosts
  before(async function () {
    this.timeout(60_000)
    const start = need(this, sshHosts.what, sshHosts.find())
    hosts = await start([
      { port: 2222 },
      { sshd: ["PubkeyAuthentication no", "KbdInteractiveAuthentication yes"] },
      { name: "inner", behind: "h1" },
      { name: "closed", sshd: ["AllowTcpForwarding no"] },
      { name: "beyond", behind: "closed" },
      { name: "strict", sshd: ["MaxAuthTries 2"] },
    ])
  })
  after(() => hosts?.stop())
  const host = (name: string) => hosts.hosts.find((one) => one.name === name) as Host

  /** What is said where a host does not come up. */
  const problem = async (
    name: string,
    change: (config: string) => string = (config) => config,
    more: { sshUser?: string; sshKeyFile?: string } = {},
  ) => {
    const sshConfigFile = join(hosts.folder, "config")
    writeFileSync(sshConfigFile, change(readFileSync(hosts.sshConfigFile, "utf8")))
    await using scene = open({ hosts: [name], sshConfigFile, ...more })
    const error = await scene.start()
    if (error === undefined) return "none"
    expect(error).to.have.property("name", "BackendError")
    expect(error.message).to.match(/^Of 1 host, 0 came up, and 1 is needed \(option `minHosts`\):\n- /)
    const { reason = "", kind, state } = scene.of(name) ?? { state: "none" }
    expect(state).to.equal("failed")
    expect(error.message).to.include(reason)
    expect(scene.said.join("\n")).to.include(`${name} is left out. ${reason}`)
    return `${kind}: ${reason}`
  }
  const under = (text: string) => (config: string) => `${text}\n${config}`
  const knownAs = (text: string) => {
    const file = join(hosts.folder, "known_others")
    writeFileSync(file, text)
    return (config: string) => config.replace(/UserKnownHostsFile .*/, `UserKnownHostsFile ${file}`)
  }

  it("works at another port, through another host, by a command, and under hashed names", async () => {
    expect(await problem("h1")).to.equal("none")
    expect(await problem("inner")).to.equal("none")
    const { address, port } = host("h1")
    const command = `ssh -F ${hosts.sshConfigFile} h1 exec 3'<>'/dev/tcp/${host("inner").address}/22`
    const netcat = `${command}'; cat <&3 & exec cat >&3'`
    expect(
      await problem("inner", (config) => config.replace("ProxyJump h1", `ProxyCommand ${netcat}`)),
    ).to.equal("none")
    const file = join(hosts.folder, "known_hashed")
    copyFileSync(hosts.knownHostsFile, file)
    execFileSync("ssh-keygen", ["-q", "-H", "-f", file], { stdio: "ignore" })
    rmSync(`${file}.old`)
    expect(readFileSync(file, "utf8")).to.not.include(`[${address}]:${port}`)
    expect(await problem("h1", (config) => config.replaceAll(hosts.knownHostsFile, file))).to.equal("none")
  })

  it("is refused to a host whose key is unknown, until the command that is said was run", async () => {
    const change = knownAs("")
    const said = await problem("h1", change)
    expect(said).to.match(
      /^setup: The key of h1 \(\[10\..+\]:2222\) is not known\. It shows ED25519 key SHA256:\S+\. /,
    )
    execFileSync("sh", ["-c", said.slice(said.indexOf("echo "))])
    const known = readFileSync(join(hosts.folder, "known_others"), "utf8")
    expect(await problem("h1", knownAs(known))).to.equal("none")
  })

  it("is refused to a host whose key has changed", async () => {
    const { address, port } = host("h1")
    const [otherKey] = host("inner").hostKey.split("\n")
    expect(await problem("h1", knownAs(`[${address}]:${port} ${otherKey}\n`))).to.match(
      /^setup: The key of h1 .+ has changed, or somebody stands between: .+ssh-keygen -R '\[10\..+\]:2222' -f /,
    )
  })

  it("works with a host of which only one kind of key is known, whichever it likes better", async () => {
    const { address, port, hostKey } = host("h1")
    for (const key of hostKey.split("\n"))
      expect(await problem("h1", knownAs(`[${address}]:${port} ${key}\n`)), key).to.equal("none")
  })

  it("says which keys were offered to a user that takes none of them", async () => {
    const said = await problem("h1", undefined, { sshUser: "eva" })
    expect(said).to.match(
      /^credentials: h1 \(10\..+, port 2222\) did not let eva in\. It was offered .+id_ed25519 \(SHA256:/,
    )
    expect(said).to.match(/Is eva the right user, and one of these keys in its ~\/\.ssh\/authorized_keys\?/)
    expect(said).to.match(/`ssh-copy-id -p 2222 eva@10\..+` puts one there\.$/)
  })

  it("says that a host takes no keys at all", async () => {
    expect(await problem("h2")).to.match(
      /^credentials: h2 .+ did not let ada in\. It takes no keys, only keyboard-interactive; cellfan logs in with keys alone\.$/,
    )
  })

  it("says that there is no key to offer", async () => {
    const change = (config: string) =>
      `IdentityAgent none\n${config.replace(/IdentityFile .*/, `IdentityFile ${hosts.folder}/none`)}`
    expect(await problem("h1", change)).to.match(
      /There is no key to offer: no agent has one, and none of .+none is there\. `ssh-keygen -t ed25519` makes one\.$/,
    )
  })

  it("uses keys of an agent, and says of an encrypted key how to give it to one", async () => {
    const key = join(hosts.folder, "id_encrypted")
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "secret", "-f", key])
    const publicKey = readFileSync(`${key}.pub`, "utf8").trim()
    await host("h1").run(`echo '${publicKey}' >> ~ada/.ssh/authorized_keys`)
    const socket = join(hosts.folder, "agent")
    const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "ignore"] })
    try {
      await new Promise((resolve) => agent.stdout.once("data", resolve))
      const change = (config: string) =>
        `IdentityAgent ${socket}\n${config.replace(/IdentityFile .*/, `IdentityFile ${key}`)}`
      const said = await problem("h1", change)
      expect(said).to.include(
        `Not offered: ${key} is encrypted: give it to an agent (eval "$(ssh-agent)"; ssh-add ${key}) and start again.`,
      )
      const env = {
        ...process.env,
        SSH_AUTH_SOCK: socket,
        SSH_ASKPASS: "/bin/echo",
        SSH_ASKPASS_REQUIRE: "force",
      }
      execFileSync("ssh-keygen", ["-q", "-p", "-P", "secret", "-N", "", "-f", key])
      execFileSync("ssh-add", ["-q", key], { env })
      execFileSync("ssh-keygen", ["-q", "-p", "-P", "", "-N", "secret", "-f", key])
      expect(await problem("h1", change)).to.equal("none")
      // One that ssh_config does not name is not offered where it says so.
      expect(
        await problem(
          "h1",
          (config) =>
            `IdentityAgent ${socket}\n${config.replace(/IdentityFile .*/, `IdentityFile ${hosts.folder}/none`)}`,
        ),
      ).to.match(/There is no key to offer/)
    } finally {
      agent.kill()
    }
  })

  it("offers the key that ssh_config names first, since a host takes few", async () => {
    const socket = join(hosts.folder, "agent2")
    const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "ignore"] })
    try {
      await new Promise((resolve) => agent.stdout.once("data", resolve))
      const env = { ...process.env, SSH_AUTH_SOCK: socket }
      for (const name of ["a", "b", "c"]) {
        execFileSync("ssh-keygen", [
          "-q",
          "-t",
          "ed25519",
          "-N",
          "",
          "-f",
          join(hosts.folder, `many_${name}`),
        ])
        execFileSync("ssh-add", ["-q", join(hosts.folder, `many_${name}`)], { env })
      }
      const change = (config: string) =>
        `IdentityAgent ${socket}\n${config.replace("IdentitiesOnly yes", "")}`
      expect(await problem("strict", change)).to.match(
        /^credentials: strict .+It was offered many_a|^credentials: strict .+ did not let ada in\..+It cut the line before all keys were tried: name the right one with IdentityFile and set IdentitiesOnly yes\./,
      )
      execFileSync("ssh-add", ["-q", hosts.keyFile], { env })
      expect(await problem("strict", change)).to.equal("none")
    } finally {
      agent.kill()
    }
  })

  it("says what is wrong with the way to a host", async () => {
    const { address } = host("h2")
    expect(await problem(`${address}:99`)).to.match(
      /^network: 10\..+ \(10\..+, port 99\) refuses the connection: nothing listens on that port\. Is sshd running there, and the port right\?$/,
    )
    expect(await problem("nowhere.invalid")).to.match(
      /^network: nowhere\.invalid has no address: its name is not known here\. Is it spelled as in ~\/\.ssh\/config\?$/,
    )
    const free = address.replace(/\d+$/, "99")
    expect(await problem(free, under("ConnectTimeout 1"))).to.match(
      /^network: 10\..+ (does not answer within 1 s|cannot be reached: no route leads there)/,
    )
    expect(await problem("beyond")).to.match(
      /^network: beyond is reached through closed: closed cannot reach 10\..+:22: its sshd forbids it \(AllowTcpForwarding\)$/,
    )
    expect(
      await problem("inner", (config) => config.replace("ProxyJump h1", "ProxyJump nowhere.invalid")),
    ).to.match(/^network: inner is reached through nowhere\.invalid: nowhere\.invalid has no address/)
    expect(await problem("inner", (config) => config.replace("ProxyJump h1", "ProxyJump inner"))).to.match(
      /^setup: inner is to be reached through itself: ProxyJump goes in a circle$/,
    )
    expect(
      await problem("inner", (config) => config.replace("ProxyJump h1", "ProxyCommand echo no way >&2")),
    ).to.match(/^network: inner .+ Its ProxyCommand is: echo no way >&2\. That says: no way$/)
  })

  it("says that what listens there is no SSH server, or closes at once", async () => {
    const server = createServer((socket) => socket.end()).listen(0, "127.0.0.1")
    try {
      await new Promise((resolve) => server.once("listening", resolve))
      const { port } = server.address() as { port: number }
      expect(await problem(`127.0.0.1:${port}`)).to.match(
        /closed the connection before it said who it is: it has too many at once/,
      )
    } finally {
      server.close()
    }
  })

  it("is refused with a key file that is not there, as a matter of configuration", async () => {
    await using scene = open({ hosts: ["h1"], sshConfigFile: hosts.sshConfigFile, sshKeyFile: "/none/key" })
    expect((await scene.start())?.message).to.match(
      /^sshKeyFile \/none\/key cannot be read: ENOENT.+path of a private key\.$/,
    )
  })
})
