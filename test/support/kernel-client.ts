import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { venvPython } from "../../scripts/util/paths.mjs"
import { root } from "./repository.ts"

/** A kernel, driven by jupyter_client in a Python process: what the tests see is what every Jupyter client sees. */

export interface KernelMessage {
  readonly channel: "shell" | "control" | "iopub" | "stdin"
  readonly type: string
  /** msg_id of the request it belongs to. */
  readonly parent: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: whatever the kernel says, for assertions to look at.
  readonly content: any
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  readonly metadata: any
  readonly header: { readonly msg_id: string; readonly session: string; readonly version: string }
  /** Base64. */
  readonly buffers: readonly string[]
}

export interface Served {
  readonly id: string
  readonly reply: KernelMessage
  /** Messages on iopub about the request, from busy to idle. */
  readonly iopub: readonly KernelMessage[]
}

export interface KernelOptions {
  /** Program and arguments before the connection file. */
  readonly command: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly interruptMode?: "message" | "signal"
  /** Of kernel.json. */
  readonly metadata?: object
  /** jupyter_client's `transport_encryption`. */
  readonly encryption?: "disabled" | "auto" | "required"
}

const PYTHON = process.env.CELLFAN_PYTHON ?? venvPython
const PATIENCE_MS = 15_000

export class KernelClient {
  readonly #python: ChildProcess
  readonly #messages: KernelMessage[] = []
  readonly #answers = new Map<number, (value: unknown) => void>()
  readonly #watchers = new Set<() => void>()
  #stderr = ""
  #newest = 0
  #ready: { readonly milliseconds: number; readonly pid: number } | undefined
  #exited = false

  private constructor(python: ChildProcess) {
    this.#python = python
  }

  static async start(options: KernelOptions): Promise<KernelClient> {
    const driver = join(root, "test", "kernel", "protocol", "driver.py")
    const python = spawn(PYTHON, [driver], { stdio: ["pipe", "pipe", "pipe"] })
    const client = new KernelClient(python)
    client.#listen()
    const spec = {
      argv: [...options.command, "{connection_file}"],
      display_name: "under test",
      language: "typescript",
      interrupt_mode: options.interruptMode ?? "message",
      metadata: options.metadata ?? {},
    }
    const env = { CELLFAN_HISTORY: "", ...options.env }
    client.#write({ spec, cwd: options.cwd ?? root, env, encryption: options.encryption ?? "disabled" })
    await client.until(() => client.#ready !== undefined, 60_000)
    return client
  }

  /** What the kernel and jupyter_client wrote to stderr. */
  get stderr(): string {
    return this.#stderr
  }

  /** From the start of the process to the reply to kernel_info_request, in milliseconds. */
  get readyMs(): number {
    return this.#ready?.milliseconds ?? Number.NaN
  }

  get pid(): number {
    return this.#ready?.pid ?? 0
  }

  get messages(): readonly KernelMessage[] {
    return this.#messages
  }

  /** Sends a request and does not wait. Resolves to its msg_id. */
  async send(
    type: string,
    content: object,
    options: {
      readonly channel?: "shell" | "control" | "stdin"
      readonly buffers?: readonly string[]
      readonly metadata?: object
    } = {},
  ): Promise<string> {
    return String(await this.do("send", { channel: "shell", ...options, type, content }))
  }

  /** Sends a request and waits for its reply and its idle. */
  async request(
    type: string,
    content: object,
    options: { readonly channel?: "shell" | "control"; readonly limitMs?: number } = {},
  ): Promise<Served> {
    const id = await this.send(type, content, { channel: options.channel ?? "shell" })
    return this.served(id, options.limitMs)
  }

  execute(code: string, options: object = {}): Promise<Served> {
    return this.request("execute_request", { ...executeDefaults, ...options, code })
  }

  /** Sends a cell and does not wait. */
  sendCell(code: string, options: object = {}): Promise<string> {
    return this.send("execute_request", { ...executeDefaults, ...options, code })
  }

  /** Waits for reply and idle of a request. */
  async served(id: string, limitMs = PATIENCE_MS): Promise<Served> {
    const isReply = (message: KernelMessage) => message.parent === id && message.type.endsWith("_reply")
    const isIdle = (message: KernelMessage) =>
      message.parent === id && message.content.execution_state === "idle"
    await this.until(() => {
      const own = this.#messages
      return own.some((message) => isReply(message) && message.channel !== "iopub") && own.some(isIdle)
    }, limitMs)
    const reply = this.#messages.find((message) => isReply(message) && message.channel !== "iopub")
    if (reply === undefined) throw new Error("No reply")
    return { id, reply, iopub: this.iopub(id) }
  }

  iopub(id: string): KernelMessage[] {
    return this.#messages.filter((message) => message.channel === "iopub" && message.parent === id)
  }

  /** Waits for a message, also one that has come already. */
  async message(fits: (message: KernelMessage) => boolean, limitMs = PATIENCE_MS): Promise<KernelMessage> {
    await this.until(() => this.#messages.some(fits), limitMs)
    const found = this.#messages.find(fits)
    if (found === undefined) throw new Error("No such message")
    return found
  }

  /** An operation of driver.py. */
  do(operation: string, operands: object = {}): Promise<unknown> {
    const number = ++this.#newest
    return new Promise((resolve) => {
      this.#answers.set(number, resolve)
      this.#write({ number, operation, arguments: operands })
    })
  }

  async until(holds: () => boolean, limitMs = PATIENCE_MS): Promise<void> {
    if (holds()) return
    await new Promise<void>((resolve, reject) => {
      const stop = (end: () => void) => {
        clearTimeout(timer)
        this.#watchers.delete(look)
        end()
      }
      const look = () => {
        if (holds()) stop(resolve)
        else if (this.#exited) stop(() => reject(new Error(`The driver ended:\n${this.#stderr}`)))
      }
      const timer = setTimeout(
        () => stop(() => reject(new Error(`Not within ${limitMs} ms: ${holds}\n${this.#recent()}`))),
        limitMs,
      )
      this.#watchers.add(look)
    })
  }

  /** Ends jupyter_client without a word to the kernel. */
  killDriver(): void {
    this.#python.kill("SIGKILL")
  }

  async close(): Promise<void> {
    if (this.#exited) return
    this.#python.stdin?.end()
    await this.until(() => this.#exited).catch(() => this.#python.kill("SIGKILL"))
  }

  #recent(): string {
    const lines = this.#messages.slice(-12).map((message) => {
      const content = JSON.stringify(message.content).slice(0, 150)
      return `  ${message.channel} ${message.type} ${content}`
    })
    return [...lines, this.#stderr.slice(-2000)].join("\n")
  }

  #write(line: object): void {
    this.#python.stdin?.write(`${JSON.stringify(line)}\n`)
  }

  #listen(): void {
    const { stdout, stderr } = this.#python
    if (stdout === null || stderr === null) throw new Error("No pipes")
    createInterface(stdout).on("line", (line) => this.#take(JSON.parse(line)))
    stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#stderr += text
      this.#look()
    })
    this.#python.on("close", (code, signal) => {
      this.#stderr += `The driver ended: ${signal ?? code}`
      this.#exited = true
      this.#look()
    })
  }

  // biome-ignore lint/suspicious/noExplicitAny: lines of driver.py, which stands beside.
  #take(line: any): void {
    if (line.event === "answer") {
      this.#answers.get(line.number)?.(line.value)
      this.#answers.delete(line.number)
    } else if (line.event === "ready") this.#ready = line
    else this.#messages.push({ ...line, parent: line.parent ?? undefined })
    this.#look()
  }

  #look(): void {
    for (const watcher of [...this.#watchers]) watcher()
  }
}

const executeDefaults = {
  silent: false,
  store_history: true,
  user_expressions: {},
  allow_stdin: false,
  stop_on_error: true,
}
