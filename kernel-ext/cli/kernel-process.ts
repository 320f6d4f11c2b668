import { type ChildProcess, spawn } from "node:child_process"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as zmq from "zeromq"
import { addressOf, readConnection } from "../kernel/connection.ts"
import { isRecord, Wire } from "../kernel/wire.ts"
import { installationFolder } from "../util/version.ts"

/** A message of the kernel, as far as it concerns whoever runs cells. */
export interface Told {
  readonly type: string
  /** msg_id of the request it belongs to. */
  readonly parent: string
  readonly content: Readonly<Record<string, unknown>>
}

const delimiter = Buffer.from("<IDS|MSG>")

/** Longer than any kernel takes to begin, on a machine that is busy. */
const startLimitMs = 60_000

/** A kernel in a process of its own, spoken to as any Jupyter client does. */
export class KernelProcess implements AsyncDisposable {
  readonly #process: ChildProcess
  readonly #scratch: string
  readonly #wire: Wire
  readonly #shell = new zmq.Dealer({ linger: 0 })
  readonly #iopub = new zmq.Subscriber({ linger: 0 })
  readonly #listeners = new Set<(told: Told) => void>()
  #exit: string | undefined

  private constructor(folder: string, scratch: string) {
    this.#scratch = scratch
    const file = join(scratch, "connection.json")
    const key = randomUUID()
    const ports = { shell_port: 1, control_port: 2, iopub_port: 3, stdin_port: 4, hb_port: 5 }
    writeFileSync(file, JSON.stringify({ transport: "ipc", ip: join(scratch, "k"), key, ...ports }), {
      mode: 0o600,
    })
    const connection = readConnection(file)
    this.#wire = new Wire(key, connection.signatureScheme)
    this.#process = spawn(process.execPath, [join(installationFolder(), "dist", "kernel.js"), file], {
      cwd: folder,
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, CELLFAN_HISTORY: "" },
    })
    this.#process.once("exit", (code, signal) => {
      this.#exit = signal === null ? `ended with exit code ${code}` : `was ended by ${signal}`
      for (const listener of this.#listeners) listener({ type: "exit", parent: "", content: {} })
    })
    this.#shell.connect(addressOf(connection, "shell"))
    this.#iopub.connect(addressOf(connection, "iopub"))
    this.#iopub.subscribe()
    void this.#read(this.#shell)
    void this.#read(this.#iopub)
  }

  /** @param folder What the cells' relative paths and imports begin at. */
  static async start(folder: string): Promise<KernelProcess> {
    const kernel = new KernelProcess(folder, mkdtempSync(join(tmpdir(), "cellfan-kernel-")))
    try {
      await kernel.#ready()
      return kernel
    } catch (error) {
      await kernel[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Runs a cell; tells of each message from `busy` to `idle`, of any cell. Resolves when it has ended. */
  async execute(code: string, tell: (told: Told) => void): Promise<void> {
    await this.#request(
      "execute_request",
      {
        code,
        silent: false,
        store_history: true,
        user_expressions: {},
        allow_stdin: false,
        stop_on_error: false,
      },
      tell,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#exit === undefined) {
      const gone = once(this.#process, "exit")
      this.#process.kill("SIGTERM")
      const patience = setTimeout(() => this.#process.kill("SIGKILL"), 5000)
      await gone
      clearTimeout(patience)
    }
    this.#shell.close()
    this.#iopub.close()
    rmSync(this.#scratch, { recursive: true, force: true })
  }

  /** What is published before the subscription has arrived is lost: asks until something is heard. */
  async #ready(): Promise<void> {
    const until = Date.now() + startLimitMs
    for (let heard = false; !heard; ) {
      if (Date.now() > until) throw new Error(`The kernel did not answer within ${startLimitMs / 1000} s.`)
      const tell = () => {
        heard = true
      }
      await Promise.race([
        this.#request("kernel_info_request", {}, tell),
        once(AbortSignal.timeout(1000), "abort"),
      ])
    }
  }

  /** Resolves when the request has its reply, and all it caused has been told. */
  async #request(type: string, content: object, tell: (told: Told) => void): Promise<void> {
    if (this.#exit !== undefined) throw new Error(`The kernel ${this.#exit}.`)
    const frames = this.#wire.encode([], { type, parent: undefined, content: JSON.stringify(content) })
    const id = String(JSON.parse(Buffer.from(frames[2] ?? []).toString()).msg_id)
    const ended = new Ending()
    let [replied, idle] = [false, false]
    const listener = (told: Told) => {
      if (told.type === "exit") ended.reject(new Error(`The kernel ${this.#exit} while a cell ran.`))
      if (told.parent === id) {
        replied ||= told.type.endsWith("_reply")
        idle ||= told.type === "status" && told.content.execution_state === "idle"
      }
      tell(told)
      if (replied && idle) ended.resolve()
    }
    this.#listeners.add(listener)
    try {
      await this.#shell.send(frames)
      await ended.whenOver
    } finally {
      this.#listeners.delete(listener)
    }
  }

  async #read(socket: zmq.Dealer | zmq.Subscriber): Promise<void> {
    try {
      for await (const frames of socket) {
        const decoded = this.#wire.decode(frames)
        if (!decoded.ok) continue
        const { header, content } = decoded.message
        const at = frames.findIndex((frame) => delimiter.equals(frame))
        const parent: unknown = JSON.parse(Buffer.from(frames[at + 3] ?? []).toString() || "{}")
        const told = {
          type: header.msg_type,
          parent: isRecord(parent) ? String(parent.msg_id ?? "") : "",
          content,
        }
        for (const listener of this.#listeners) listener(told)
      }
    } catch {
      // Closed under it.
    }
  }
}

/** A promise that others settle. */
class Ending {
  resolve: () => void = () => {}
  reject: (error: Error) => void = () => {}
  readonly whenOver = new Promise<void>((resolve, reject) => {
    this.resolve = resolve
    this.reject = reject
  })
}
