import { type ChildProcess, execFile, spawn } from "node:child_process"
import { randomBytes } from "node:crypto"
import { once } from "node:events"
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { hostname, tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { findProgram } from "../needs.ts"
import { waitUntil } from "../processes.ts"
import { freePort } from "./server-process.ts"

/** Slurm for real, of one node: this machine. */

export const slurm = {
  what: "root with slurmctld, slurmd and munged (apt-get install slurm-wlm munge)",
  find(): true | undefined {
    if (process.platform !== "linux" || process.getuid?.() !== 0) return undefined
    return ["slurmctld", "slurmd", "munged", "sbatch"].every((name) => findProgram(name)) ? true : undefined
  },
}

const run = promisify(execFile)

export class Slurm {
  readonly folder = mkdtempSync(join(tmpdir(), "cellfan-slurm-"))
  readonly #children: ChildProcess[] = []
  readonly #env: NodeJS.ProcessEnv

  private constructor() {
    this.#env = { ...process.env, SLURM_CONF: join(this.folder, "slurm.conf") }
  }

  static async start(): Promise<Slurm> {
    const slurm = new Slurm()
    await slurm.#start()
    return slurm
  }

  /** A command of Slurm's. Resolves with what it wrote. */
  async command(name: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
    const { stdout } = await run(name, args, { cwd: this.folder, env: { ...this.#env, ...env } })
    return stdout.trim()
  }

  /** Ids of jobs that wait or run. */
  async jobs(): Promise<string[]> {
    return (await this.command("squeue", ["--noheader", "--format=%i"])).split("\n").filter(Boolean)
  }

  /** What a job wrote. */
  logOf(id: string): string {
    return readFileSync(join(this.folder, `cellfan-${id}.log`), "utf8")
  }

  async stop(): Promise<void> {
    for (const id of await this.jobs().catch(() => [])) await this.command("scancel", ["--signal=KILL", id])
    for (const child of this.#children.reverse())
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGTERM")
        await once(child, "exit")
      }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }

  async #start(): Promise<void> {
    const at = (name: string) => join(this.folder, name)
    for (const name of ["state", "spool"]) mkdirSync(at(name))
    writeFileSync(at("munge.key"), randomBytes(1024), { mode: 0o400 })
    const [controller, node] = [await freePort(), await freePort()]
    writeFileSync(at("slurm.conf"), configuration(this.folder, controller, node))
    const munge = [
      "key-file=munge.key",
      "socket=munge.sock",
      "pid-file=munge.pid",
      "log-file=munge.log",
      "seed-file=seed",
    ]
    this.#spawn("munged", [
      "--foreground",
      "--force",
      ...munge.map((one) => `--${one.replace("=", `=${this.folder}/`)}`),
    ])
    await waitUntil(() => existsSync(at("munge.sock")), 10_000)
    this.#spawn("slurmctld", ["-D"])
    this.#spawn("slurmd", ["-D"])
    const isIdle = async () => /idle/.test(await this.command("sinfo", ["--noheader"]).catch(() => ""))
    for (const end = Date.now() + 20_000; !(await isIdle()); )
      if (Date.now() > end) throw new Error("Slurm did not start.")
  }

  #spawn(command: string, args: readonly string[]): void {
    this.#children.push(spawn(command, args, { env: this.#env, stdio: "ignore" }))
  }
}

function configuration(folder: string, controller: number, node: number): string {
  const name = hostname()
  return [
    "ClusterName=cellfan",
    `SlurmctldHost=${name}(127.0.0.1)`,
    `SlurmctldPort=${controller}`,
    `SlurmdPort=${node}`,
    "AuthType=auth/munge",
    `AuthInfo=socket=${folder}/munge.sock`,
    "SlurmUser=root",
    "SlurmdUser=root",
    `StateSaveLocation=${folder}/state`,
    `SlurmdSpoolDir=${folder}/spool`,
    ...["slurmctld", "slurmd"].map(
      (one) => `${one[0]?.toUpperCase()}${one.slice(1)}PidFile=${folder}/${one}.pid`,
    ),
    `SlurmctldLogFile=${folder}/slurmctld.log`,
    `SlurmdLogFile=${folder}/slurmd.log`,
    "ProctrackType=proctrack/linuxproc",
    "TaskPlugin=task/none",
    "SelectType=select/cons_tres",
    "SelectTypeParameters=CR_Core",
    "JobAcctGatherType=jobacct_gather/none",
    "ReturnToService=2",
    "MpiDefault=none",
    // As many as a recipe asks for, whatever this machine has.
    "SlurmdParameters=config_overrides",
    `NodeName=${name} NodeAddr=127.0.0.1 CPUs=4 State=UNKNOWN`,
    "PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP",
    "",
  ].join("\n")
}
