import { execFileSync } from "node:child_process"
import { cpSync, existsSync, renameSync, rmSync } from "node:fs"
import { dirname, join } from "node:path"
import { findProgram } from "../needs.ts"
import { root } from "../repository.ts"
import { ContainerInstance } from "./container-instance.ts"

/** Apache's own Node.js runtime for actions: a container of OpenWhisk as a process. It takes an action once, and then calls of it. */

const source = join(dirname(root), "shared", "servers", "openwhisk-nodejs")
const installed = join(root, ".cache", "openwhisk-nodejs")

export const openWhiskRuntime = {
  what: "Apache's openwhisk-nodejs (beside this clone, in ../shared/servers) and unzip (apt-get install unzip)",
  find: (): string | undefined =>
    existsSync(join(source, "app.js")) && findProgram("unzip") !== undefined ? source : undefined,
}

/** With the packages that it needs: installed once. */
export function installOpenWhiskRuntime(from: string): string {
  if (existsSync(installed)) return installed
  const folder = `${installed}-${process.pid}`
  cpSync(from, folder, { recursive: true })
  execFileSync("npm", ["install", "--omit=dev", "--no-audit", "--no-fund", "--no-package-lock"], {
    cwd: folder,
    stdio: "pipe",
  })
  try {
    renameSync(folder, installed)
  } catch {
    // Another test has installed it meanwhile.
    rmSync(folder, { recursive: true, force: true })
  }
  return installed
}

/** An action's code that it cannot load. */
export const brokenCode = Buffer.from("no zip").toString("base64")

export interface RunResult {
  /** Undefined: it gave no answer. */
  readonly status: number | undefined
  readonly text: string
  readonly logs: string
}

export class OpenWhiskContainer {
  readonly #instance: ContainerInstance

  private constructor(instance: ContainerInstance) {
    this.#instance = instance
  }

  static async start(folder: string, memoryMiB: number): Promise<OpenWhiskContainer> {
    const instance = await ContainerInstance.start({
      command: ["node"],
      args: ["--expose-gc", join(folder, "app.js")],
      env: { OW_PORT: "$PORT" },
      memoryMiB,
    })
    // It has no page there, and says so in its own way.
    await instance.ready("/", { statuses: [500] })
    return new OpenWhiskContainer(instance)
  }

  get isGone(): boolean {
    return this.#instance.isGone
  }

  get wasKilledForMemory(): boolean {
    return this.#instance.wasKilledForMemory
  }

  init(value: object): Promise<RunResult> {
    return this.#post("/init", { value })
  }

  run(message: object): Promise<RunResult> {
    return this.#post("/run", message)
  }

  stop(): Promise<void> {
    return this.#instance.stop()
  }

  async #post(path: string, body: object): Promise<RunResult> {
    this.#instance.said = ""
    try {
      const answer = await fetch(this.#instance.url + path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      })
      const text = await answer.text()
      return { status: answer.status, text, logs: this.#instance.said }
    } catch {
      return { status: undefined, text: "", logs: this.#instance.said }
    }
  }
}
