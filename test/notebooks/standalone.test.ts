import { join } from "node:path"
import { expect } from "chai"
import { executeNotebook, type Notebook, textIn } from "../support/jupyter.ts"
import { need } from "../support/needs.ts"
import { root } from "../support/repository.ts"
import { type Hosts, sshHosts } from "../support/servers/ssh-hosts.ts"

describe("notebooks/standalone.ipynb, on three hosts", function () {
  this.timeout(240_000)
  let hosts: Hosts
  let notebook: Notebook

  before(async function () {
    hosts = await need(this, sshHosts.what, sshHosts.find())()
    const names = hosts.hosts.map(({ name }) => name).join(",")
    const env = { CELLFAN_SSH_HOSTS: names, CELLFAN_SSH_SSH_CONFIG_FILE: hosts.sshConfigFile }
    const executed = await executeNotebook(join(root, "notebooks", "standalone.ipynb"), { env })
    expect(executed.code, executed.stderr).to.equal(0)
    notebook = executed.notebook
  })
  after(() => hosts?.stop())

  function outputOf(beginning: string): string {
    const cell = notebook.cells.find(({ source }) => textIn(source).startsWith(beginning))
    return (cell?.outputs ?? [])
      .map(({ text, data }) => textIn(text ?? (data?.["text/plain"] as string | undefined)))
      .join("\n")
  }

  it("moves a cell to the hosts by its first word, and has the same numbers", () => {
    expect(outputOf("%%LocalhostExecutor")).to.include("LocalhostExecutor")
    expect(outputOf("%%StandaloneExecutor")).to.match(/40 tasks, 40 done.*StandaloneExecutor on ssh/)
    expect(outputOf("console.log(there.every")).to.match(/^true\n23 people/)
  })

  it("runs tasks on all hosts", () => {
    expect(outputOf("import { StandaloneExecutor }")).to.include("3 hosts: h1, h2, h3")
  })

  it("finds a job again by its id", () => {
    expect(outputOf("import { attach }")).to.include("[ 1, 4, 9 ]")
  })

  it("removes from the hosts what was brought there", async () => {
    expect(outputOf("%clean")).to.include("Cleaned up")
    for (const host of hosts.hosts)
      expect(await host.run("ls -A ~ada/.cache 2>/dev/null || true"), host.name).to.equal("")
  })
})
