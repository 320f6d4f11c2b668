import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { need } from "../support/needs.ts"
import { ministack, startMinistack } from "../support/servers/ministack.ts"
import type { Server } from "../support/servers/server-process.ts"
import { type Hosts, sshHosts } from "../support/servers/ssh-hosts.ts"
import { LabPage } from "./support/lab-page.ts"
import { labSuite } from "./support/lab-suite.ts"
import { writeNotebook } from "./support/notebook-file.ts"

/** Executors whose workers are elsewhere, as the grid and the side panel show them. */

/** Sets the kernel's environment, which is read when an executor is made. */
const settings = (env: Readonly<Record<string, string>>) =>
  `Object.assign(process.env, ${JSON.stringify(env)})`

describe("functions in JupyterLab", function () {
  this.timeout(300_000)
  const suite = labSuite()
  let server: Server
  let lab: LabPage

  before(async function () {
    server = await startMinistack(need(this, ministack.what, ministack.find()))
    const keys = { AWS_REGION: "us-east-1", AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" }
    const setup = `import { ServerlessExecutor } from "cellfan"
${settings({ ...keys, CELLFAN_AWS_ENDPOINT: server.url })}
const functions = new ServerlessExecutor({ workers: 3 })`
    const calls = `const calls = functions.map(async (n: number) => {
  await new Promise((resolve) => setTimeout(resolve, n === 0 ? 90_000 : 100))
  return n
}, [0, 1, 2, 3], { name: "calls", chunkSize: 1 })
await calls.settled()`
    await writeNotebook(suite().folder, "functions.ipynb", [setup, calls])
    lab = await LabPage.open(suite(), "functions.ipynb")
    await lab.runAll()
    await lab.job(({ status, counts }) => status === "running" && counts.done === 3)
  })
  after(async () => {
    await lab?.close()
    await server?.stop()
  })

  it("say what they cost while the job runs", async () => {
    const numbers = lab.page.locator(".jp-Notebook .cellfan-Job .cellfan-Numbers").first()
    await numbers.getByText(/\$0\.0\d+/).waitFor()
  })

  it("say in the side bar how many run, of how many at once", async () => {
    await lab.command("cellfan:show-jobs")
    const executor = lab.page.locator(".cellfan-mod-executor")
    await executor.getByText("functions.ipynb · up to 3 at once, 1 running").waitFor()
    await lab.page.locator(".cellfan-Card").getByRole("button", { name: "Cancel" }).click()
    await executor.getByText("functions.ipynb · up to 3 at once, none running").waitFor()
  })

  it("threw nothing in the page", () => {
    expect(lab.errors).to.deep.equal([])
  })
})

/** A notebook whose cell keeps hosts by SSH busy with tasks that never end by themselves, open in JupyterLab while the tests run. */
function onHosts(
  file: string,
  { names, workersPerHost, tasks }: { names: readonly string[]; workersPerHost: number; tasks: number },
): { hosts: Hosts; lab: LabPage } {
  const suite = labSuite()
  const open = {} as { hosts: Hosts; lab: LabPage }
  let home: string | undefined
  before(async function () {
    open.hosts = await need(this, sshHosts.what, sshHosts.find())(names.map(() => ({})))
    home = await mkdtemp(join(tmpdir(), "cellfan-home-"))
    const env = {
      CELLFAN_SSH_HOSTS: names.join(),
      CELLFAN_SSH_SSH_CONFIG_FILE: open.hosts.sshConfigFile,
      HOME: home,
    }
    const setup = `import { StandaloneExecutor } from "cellfan"
${settings(env)}
const machines = new StandaloneExecutor({ backend: "ssh", workersPerHost: ${workersPerHost} })`
    const far = `const far = machines.map(async (n: number) => {
  await new Promise((resolve) => setTimeout(resolve, 200_000))
  return n
}, [...Array(${tasks}).keys()], { name: "far", chunkSize: 1 })
await far.settled()`
    await writeNotebook(suite().folder, file, [setup, far])
    open.lab = await LabPage.open(suite(), file)
    await open.lab.command("cellfan:show-jobs")
    await open.lab.runAll()
  })
  after(async () => {
    await open.lab?.close()
    await open.hosts?.stop()
    if (home !== undefined) await rm(home, { recursive: true, force: true })
  })
  return open
}

describe("machines in JupyterLab", function () {
  this.timeout(300_000)
  const open = onHosts("machines.ipynb", { names: ["h1", "h2", "h3"], workersPerHost: 1, tasks: 2 })

  it("come up in the side bar, and say which of them run tasks", async () => {
    const executor = open.lab.page.locator(".cellfan-mod-executor")
    await executor.locator('.cellfan-Worker[data-state="pending"]').first().waitFor()
    await executor.getByText("machines.ipynb · 3 workers, 2 busy").waitFor()
    const names = await executor
      .locator(".cellfan-Workers .cellfan-Worker")
      .evaluateAll((all) => all.map((one) => one.getAttribute("title")))
    expect(names.map((name) => name?.replace(/:\d+/, "")).sort()).to.satisfy((all: string[]) =>
      ["h1", "h2", "h3"].every((host, at) => all[at]?.startsWith(`${host} · `)),
    )
  })

  it("are said to be lost when they break, while their tasks run elsewhere", async () => {
    const executor = open.lab.page.locator(".cellfan-mod-executor")
    const busy = await executor
      .locator('.cellfan-Workers .cellfan-Worker[data-state="busy"]')
      .evaluateAll((all) => all.map((one) => one.getAttribute("title")?.split(":")[0]))
    // Not the first, which has the queue: without it nothing runs until it is back.
    const host = open.hosts.hosts.find(({ name }) => name !== "h1" && busy.includes(name))
    if (host === undefined) throw new Error(`No machine beside the head's is busy, but ${busy}`)
    await host.powerOff()
    await executor.locator(`.cellfan-Machine[data-state="lost"]`, { hasText: host.name }).waitFor()
    await executor.getByText(/2 busy, 1 lost/).waitFor()
    await open.lab.job(({ status, counts }) => status === "running" && counts.running === 2)
  })

  it("threw nothing in the page", () => {
    expect(open.lab.errors).to.deep.equal([])
  })
})

describe("a machine that ends soon, in JupyterLab", function () {
  this.timeout(300_000)
  const open = onHosts("ending.ipynb", { names: ["h1"], workersPerHost: 2, tasks: 1 })

  it("says so and why, of the worker that takes no more and of the one that ends what it runs", async () => {
    const executor = open.lab.page.locator(".cellfan-mod-executor")
    await executor.getByText("ending.ipynb · 2 workers, 1 busy").waitFor()
    // The host has processes of its own; workers are the agent's children.
    await open.hosts.hosts[0]?.run("kill -TERM $(pgrep -u ada -f 'cellfan-agent-[^ ]* /')")
    await executor.getByText("1 busy, 1 draining").waitFor()
    const lines = await executor.locator(".cellfan-Machine").allInnerTexts()
    expect(lines.map((text) => text.replace(/\s+/g, " ").replace(/:\d+/, "").trim())).to.deep.equal([
      "h1 draining · it was told to by SIGTERM",
      "h1 busy · it was told to by SIGTERM",
    ])
    await open.lab.job(({ status, counts }) => status === "running" && counts.running === 1)
  })

  it("is gone from the side bar when its agent has ended", async () => {
    await open.lab.page.locator(".cellfan-Card").getByRole("button", { name: "Cancel" }).click()
    const executor = open.lab.page.locator(".cellfan-mod-executor")
    await executor.getByText("ending.ipynb · 2 workers, none started").waitFor()
    expect(await executor.locator(".cellfan-Worker").count()).to.equal(0)
  })

  it("is there again when its cell is run again", async () => {
    await open.lab.runAll()
    await open.lab.page.locator(".cellfan-mod-executor").getByText("2 workers, 1 busy").first().waitFor()
  })

  it("threw nothing in the page", () => {
    expect(open.lab.errors).to.deep.equal([])
  })
})
