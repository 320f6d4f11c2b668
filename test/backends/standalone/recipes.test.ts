import { execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync, readFileSync, symlinkSync } from "node:fs"
import { join } from "node:path"
import { expect } from "chai"
import { parse } from "yaml"
import { StandaloneExecutor } from "../../../kernel-ext/index.ts"
import { findProgram, need } from "../../support/needs.ts"
import { waitUntil } from "../../support/processes.ts"
import { root } from "../../support/repository.ts"
import { NatsServer, natsServer } from "../../support/servers/nats.ts"
import { Slurm, slurm } from "../../support/servers/slurm.ts"

const kubernetes = {
  what: "kubernetes-validate (npm test installs it; or pip install kubernetes-validate)",
  find: (): string | undefined => {
    const installed = join(root, ".venv", "servers", "bin", "kubernetes-validate")
    return existsSync(installed) ? installed : findProgram("kubernetes-validate")
  },
}

/** Agents that others start: recipes/, as they are. */
describe("Recipes for agents", function () {
  this.timeout(90_000)
  const cli = join(root, "dist", "cli.js")
  let server: NatsServer
  before(async function () {
    server = await NatsServer.start(need(this, natsServer.what, natsServer.find()))
  })
  after(() => server?.stop())

  describe("on Slurm", () => {
    let cluster: Slurm
    before(async function () {
      need(this, slurm.what, slurm.find())
      cluster = await Slurm.start()
      // Jobs are submitted there: for them it is the built clone.
      symlinkSync(join(root, "dist"), join(cluster.folder, "dist"))
    })
    after(() => cluster?.stop())

    /** @returns the job's id. */
    async function submit(idleMs: number): Promise<string> {
      const env = {
        CELLFAN_STANDALONE_NATS: server.url,
        CELLFAN_IDLE_MS: String(idleMs),
        CELLFAN_POOL: "slurm",
      }
      return cluster.command("sbatch", ["--parsable", join(root, "recipes", "slurm.sh")], env)
    }

    it("run tasks on nodes, give a cancelled job's tasks to the next one, and give their nodes back when there is no work", async () => {
      await using fexec = new StandaloneExecutor({ nats: [server.url], pool: "slurm" })
      const first = await submit(600_000)
      const where = await fexec.map(() => process.env.SLURM_JOB_ID, [0])
      expect(where, cluster.logOf(first)).to.deep.equal([first])
      const job = fexec.map(
        async (n: number) => {
          await new Promise((resolve) => setTimeout(resolve, 1500))
          return [n, process.env.SLURM_JOB_ID] as const
        },
        [1, 2, 3, 4],
        { chunkSize: 1 },
      )
      await waitUntil(() => job.tasks.filter(({ state }) => state === "running").length === 2, 20_000)
      await cluster.command("scancel", [first])
      const second = await submit(8000)
      const results = await job
      expect(results.map(([n]) => n)).to.deep.equal([1, 2, 3, 4])
      expect(new Set(results.map(([, id]) => id))).to.include(second)
      let jobs = await cluster.jobs()
      for (const end = Date.now() + 20_000; jobs.length > 0 && Date.now() < end; ) jobs = await cluster.jobs()
      expect(jobs, "jobs that still run").to.deep.equal([])
      expect(cluster.logOf(second)).to.match(/it had nothing to do for 8 s/)
    })
  })

  describe("on Kubernetes", () => {
    const file = join(root, "recipes", "kubernetes.yaml")

    it("are what Kubernetes' own schema says, and nothing else", function () {
      const program = need(this, kubernetes.what, kubernetes.find())
      const said = execFileSync(program, ["--strict", file], { encoding: "utf8", stdio: "pipe" })
      expect(said).to.not.match(/ERROR|WARN/)
      const wrong = readFileSync(file, "utf8").replace("parallelism: 4", "paralellism: 4")
      expect(() => execFileSync(program, ["--strict", "-"], { input: wrong, stdio: "pipe" })).to.throw()
    })

    it("start a worker by arguments that it takes, which runs tasks and ends when it is told to", async () => {
      const { spec } = parse(readFileSync(file, "utf8"))
      const [{ command, args, env }] = spec.template.spec.containers
      expect(command).to.deep.equal(["node", "/cellfan/dist/cli.js"])
      expect(env.map(({ name }: { name: string }) => name)).to.include("CELLFAN_STANDALONE_NATS")
      const filled = args.map((arg: string) => arg.replace("$(POD)", "cellfan-workers-x7k2p"))
      const pod = spawn(process.execPath, [cli, ...filled], {
        env: { ...process.env, CELLFAN_STANDALONE_NATS: server.url },
        stdio: "ignore",
      })
      await using fexec = new StandaloneExecutor({ nats: [server.url] })
      const job = fexec.map((n: number) => n + 1, [1])
      expect(await job).to.deep.equal([2])
      expect(job.tasks[0]?.stats.worker).to.match(/^cellfan-workers-x7k2p/)
      pod.kill("SIGTERM")
      expect(await once(pod, "exit")).to.deep.equal([0, null])
    })
  })
})
