import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { readConfiguration } from "../../../../kernel-ext/config/load.ts"
import { StandaloneExecutor } from "../../../../kernel-ext/index.ts"

describe("Options of hosts by SSH", () => {
  it("make machines by SSH what is meant", async () => {
    await using fexec = new StandaloneExecutor({ hosts: ["a,user@b:2222"], sshUser: "eva" })
    expect(fexec.backend).to.equal("ssh")
    expect(() => new StandaloneExecutor({ backend: "nats", nats: ["nats://q"], hosts: ["a"] })).to.throw(
      "StandaloneExecutor: the backend nats has no option `hosts`; it is one of ssh.",
    )
  })

  it("stand in the environment and in files, also in those of Lithops", () => {
    const folder = mkdtempSync(join(tmpdir(), "cellfan-ssh-options-"))
    const read = (text: string, env: Record<string, string> = {}) => {
      writeFileSync(join(folder, "cellfan.config.yaml"), text)
      return readConfiguration({ env: { HOME: folder, ...env }, folder })
    }
    try {
      expect(read("ssh:\n  hosts: a,b\n").section("ssh").hosts).to.deep.equal(["a", "b"])
      expect(read("ssh:\n  hosts:\n    - a\n    - c:22\n").section("ssh").hosts).to.deep.equal(["a", "c:22"])
      expect(read("", { CELLFAN_SSH_HOSTS: "a,user@b:2222" }).section("ssh").hosts).to.deep.equal([
        "a",
        "user@b:2222",
      ])
      const theirs = [
        "standalone:\n  backend: vm\nvm:\n  ip_address: 10.0.0.7\n  ssh_username: ubuntu",
        "  ssh_key_filename: ~/.ssh/id_rsa\n  ssh_password: hush\n",
      ]
      rmSync(join(folder, "cellfan.config.yaml"))
      writeFileSync(join(folder, ".lithops_config"), theirs.join("\n"))
      const configured = readConfiguration({ env: { HOME: folder }, folder })
      expect(configured.section("ssh")).to.include({ sshUser: "ubuntu", sshKeyFile: "~/.ssh/id_rsa" })
      expect(configured.section("ssh").hosts).to.deep.equal(["10.0.0.7"])
      expect(configured.warnings.join("\n")).to.match(/`ssh_password` of vm has no meaning here/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
