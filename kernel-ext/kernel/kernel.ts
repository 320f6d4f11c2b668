import { dirname } from "node:path"
import { fileURLToPath } from "node:url"
import { tellOfChildWaits } from "./child-waits.ts"
import { KernelComms } from "./comms.ts"
import { readConnection } from "./connection.ts"
import { redirectConsole } from "./console.ts"
import { currentCell, outsideCells } from "./current-cell.ts"
import { replaceStandardOutput } from "./descriptors.ts"
import { announceEnd, showUncaught } from "./endings.ts"
import { Execution } from "./execution.ts"
import { RequestHandler } from "./handler.ts"
import { History, historyFile } from "./history.ts"
import { compiler, kernelInfo } from "./kernel-info.ts"
import { later } from "./later.ts"
import { log } from "./log.ts"
import { holdOwnWorkBy } from "./own-work.ts"
import { Publisher } from "./publish.ts"
import { Stdin } from "./stdin.ts"
import { type FromHelper, HelperThread } from "./thread/client.ts"
import { IS_INTERRUPTED } from "./thread/kept.ts"
import type { Comms, Interpreter } from "./types.ts"

/** A kernel whose client takes longer than this to be told of the end is ended all the same. */
const LONGEST_CLOSE_MS = 1500

/** The compiler is loaded by then, whether a client has asked for something or not. */
const LONGEST_COLD_MS = 1000

/** Makes the interpreter; the kernel's own takes the compiler with it, so it is loaded when the sockets are open. */
export type LoadInterpreter = (comms: Comms) => Promise<Interpreter>

export async function startKernel(
  entry: URL,
  connectionFile: string | undefined,
  load: LoadInterpreter = loadCells,
): Promise<void> {
  if (connectionFile === undefined) {
    log("Usage: node kernel.js CONNECTION_FILE (Jupyter starts it so)")
    process.exit(2)
  }
  const connection = readConnection(connectionFile)
  const parentPid = Number(process.env.JPY_PARENT_PID)
  const helper = HelperThread.start(entry, {
    connection,
    descriptors: replaceStandardOutput(),
    kernelInfo: JSON.stringify(kernelInfo),
    ownFolders: [dirname(fileURLToPath(entry)), dirname(compiler.file)],
    parentPid: parentPid > 1 ? parentPid : undefined,
  })
  await new Kernel(helper, load).serve()
}

class Kernel {
  readonly #helper: HelperThread
  readonly #publisher: Publisher
  readonly #execution: Execution
  readonly #comms: KernelComms
  readonly #stdin: Stdin
  readonly #handler: RequestHandler
  readonly #load: LoadInterpreter
  #interpreter: Promise<Interpreter> | undefined
  #loaded: Interpreter | undefined
  #isWarm = false
  #isShutdown = false

  constructor(helper: HelperThread, load: LoadInterpreter) {
    holdOwnWorkBy((work) => helper.hold(work))
    this.#helper = helper
    this.#load = load
    this.#publisher = new Publisher(helper)
    this.#execution = new Execution(this.#publisher, helper)
    const requestOf = this.#execution.requestOf.bind(this.#execution)
    this.#comms = new KernelComms(this.#publisher, (cell) => requestOf(cell)?.message.header)
    this.#stdin = new Stdin(helper, requestOf)
    this.#handler = new RequestHandler({
      helper,
      publisher: this.#publisher,
      execution: this.#execution,
      history: new History(historyFile()),
      comms: this.#comms,
      interpreter: () => this.#interpreterLoaded(),
    })
  }

  async serve(): Promise<void> {
    Object.defineProperty(globalThis, IS_INTERRUPTED, { value: () => currentCell()?.signal.aborted === true })
    tellOfChildWaits(this.#helper)
    redirectConsole(() => this.#execution.newest?.output)
    showUncaught(this.#execution, this.#publisher, () => this.#loaded)
    announceEnd(this.#helper, this.#handler, this.#publisher, () => this.#isShutdown)
    // Heard by this thread before there is a cell; thread/signals.ts says what comes then.
    process.on("SIGINT", () => this.#helper.interrupt())
    process.on("SIGTERM", () => void this.#shutdown())
    await this.#helper.listening({
      receive: (message) => outsideCells(() => this.#receive(message)),
      lost: (reason) => {
        log(reason)
        process.exit(1)
      },
    })
    setTimeout(() => this.#warm(), LONGEST_COLD_MS)
  }

  #receive(message: FromHelper): void {
    switch (message.kind) {
      case "request":
        this.#handler.receive(message)
        later(() => this.#warm())
        return
      case "answer":
        this.#stdin.answered(message.answer)
        return
      case "interrupt":
        this.#interrupt(message)
        return
      case "asked":
        this.#helper.answerTo(message.id)
        this.#recover()
        return
      case "shutdown":
        void this.#shutdown()
        return
      default:
        message satisfies never
    }
  }

  /** Loads the compiler, which keeps this thread busy: after the first reply, which a client waits for. */
  #warm(): void {
    if (this.#isWarm) return
    this.#isWarm = true
    void this.#interpreterLoaded().then((interpreter) => interpreter.warm())
  }

  #interrupt(interrupt: FromHelper & { kind: "interrupt" }): void {
    const isNews = this.#helper.heardInterrupt(interrupt)
    this.#recover()
    if (!isNews) return
    this.#stdin.interrupt()
    this.#execution.interrupt(interrupt.insist, () => this.#helper.obeyedInterrupt(interrupt.id))
  }

  /** Where the helper thread has ended what this one did. */
  #recover(): void {
    if (!this.#helper.takeTerminated()) return
    restartTimers()
    this.#handler.recover()
  }

  async #shutdown(): Promise<void> {
    if (this.#isShutdown) return
    this.#isShutdown = true
    this.#execution.interrupt(false, () => {})
    const closed = this.#loaded?.close().catch((error: unknown) => log(`Closing: ${String(error)}`))
    const late = new Promise((resolve) => setTimeout(resolve, LONGEST_CLOSE_MS))
    await Promise.race([closed, late])
    process.exit(0)
  }

  #interpreterLoaded(): Promise<Interpreter> {
    this.#interpreter ??= this.#load(this.#comms).then((interpreter) => {
      this.#loaded = interpreter
      const { input, password, prompt } = this.#stdin
      interpreter.define("input", input, "(prompt?: string) => Promise<string>")
      interpreter.define("password", password, "(prompt?: string) => Promise<string>")
      interpreter.define("prompt", prompt, "(message?: string, defaultValue?: string) => string")
      return interpreter
    })
    return this.#interpreter
  }
}

/**
 * Node's timers stand still where one of them was terminated, until one is set of a duration that no other has. Of so many
 * one is such.
 */
function restartTimers(): void {
  for (const durationMs of [3, 11, 29, 53, 97]) setTimeout(() => {}, durationMs)
}

async function loadCells(comms: Comms): Promise<Interpreter> {
  const [
    { createInterpreter },
    { userCacheFolder },
    { withMagics },
    { attachGrid },
    { setCellBindings },
    { setDefaultSignal },
    cellfan,
  ] = await Promise.all([
    import("./cells.ts"),
    import("./cells/cache-folder.ts"),
    import("./magics/magics.ts"),
    import("./grid.ts"),
    import("../capture/capture.ts"),
    import("../executors/default-signal.ts"),
    import("../index.ts"),
  ])
  const interpreter = createInterpreter({
    folder: process.cwd(),
    modules: { cellfan },
    mapStacks: true,
    cacheFolder: userCacheFolder(),
    // For those who would rather run cells with wrong types than correct them.
    typeCheck: process.env.CELLFAN_TYPE_CHECK !== "off",
  })
  setCellBindings(interpreter.bindings)
  // An interrupted cell takes the jobs with it that it started.
  setDefaultSignal(() => currentCell()?.signal)
  attachGrid(comms)
  return withMagics(interpreter)
}
