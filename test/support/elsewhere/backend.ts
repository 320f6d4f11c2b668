import { type ChildProcess, spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Readable } from "node:stream"
import { build } from "esbuild"
import type { Backend, BatchEvents, RunningBatch, TaskBatch } from "../../../kernel-ext/backends/backend.ts"
import { BatchRun } from "../../../kernel-ext/backends/batch-run.ts"
import type { Encoded } from "../../../kernel-ext/capture/types.ts"
import { Executor } from "../../../kernel-ext/executors/executor.ts"
import { parseFromWorker, type ToWorker } from "../../../kernel-ext/protocol/worker.ts"
import { encodeFrame, FrameReader } from "../../../kernel-ext/util/frames.ts"

/**
 * A backend whose workers have nothing but node and what is sent to them: each batch gets a process of its own, in an
 * empty folder and an empty environment. As a serverless function is, without a cloud.
 */
export class ElsewhereBackend implements Backend {
  readonly name = "elsewhere"
  readonly remote = true
  readonly supports = { cancel: false, logs: true, progress: true, reattach: false, takeBack: false }
  readonly workers = 1
  /** Bytes of the messages of each batch. */
  readonly sentBytes: number[] = []
  readonly #furnish: (folder: string) => void
  readonly #running = new Set<ChildProcess>()
  #worker = ""

  /** @param furnish Puts into a worker's folder what the place would have. */
  constructor(furnish: (folder: string) => void = () => {}) {
    this.#furnish = furnish
  }

  get idle(): number {
    return Math.max(0, this.workers - this.#running.size)
  }

  async open(): Promise<void> {
    this.#worker = await bundledWorker()
  }

  run(batch: TaskBatch, events: BatchEvents): RunningBatch {
    const folder = mkdtempSync(join(tmpdir(), "cellfan-elsewhere-"))
    this.#furnish(folder)
    writeFileSync(join(folder, "worker.cjs"), this.#worker)
    const child = spawn(process.execPath, ["worker.cjs"], {
      cwd: folder,
      env: {},
      stdio: ["pipe", "inherit", "inherit", "pipe"],
    })
    this.#running.add(child)
    child.once("close", () => {
      this.#running.delete(child)
      rmSync(folder, { recursive: true, force: true })
    })
    const run = new BatchRun(batch, events)
    listen(child, run)
    this.sentBytes.push(sendAll(child, messagesOf(batch, folder)))
    return { waiting: 0, takeBack() {}, cancel: () => child.kill("SIGKILL") }
  }

  forget(): void {}

  async clean(): Promise<void> {}

  async close(): Promise<void> {
    for (const child of this.#running) child.kill("SIGKILL")
  }
}

export class ElsewhereExecutor extends Executor {
  constructor(backend = new ElsewhereBackend()) {
    super(backend)
  }
}

let worker: Promise<string> | undefined

function bundledWorker(): Promise<string> {
  worker ??= build({
    entryPoints: [join(import.meta.dirname, "worker.ts")],
    bundle: true,
    platform: "node",
    format: "cjs",
    target: "node20.19",
    write: false,
  }).then(({ outputFiles }) => outputFiles[0]?.text ?? "")
  return worker
}

type Message = readonly [ToWorker, ...parts: Uint8Array[]]

function messagesOf(batch: TaskBatch, folder: string): Message[] {
  const { shipment, packages, extraArgs, indices, attempts, inputs, jobId, seed, env } = batch
  const { hash, code, imports, data, broadcasts } = shipment
  const extra = extraArgs !== undefined
  return [
    ...broadcasts.map((one): Message => [{ type: "broadcast", hash: one.hash }, ...partsOf(one.encoded)]),
    ...(packages === undefined
      ? []
      : [[{ type: "packages", hash: packages.hash }, Buffer.from(packages.code)] satisfies Message]),
    [{ type: "ship", hash, code, imports, resolveFrom: folder, packages: packages?.hash }, ...partsOf(data)],
    [{ type: "job", job: 1, jobId, hash, seed, env, extra }, ...(extra ? partsOf(extraArgs) : [])],
    [
      {
        type: "run",
        batch: 1,
        job: 1,
        epoch: 0,
        base: 0,
        count: indices.length,
        first: 0,
        indices,
        attempts,
      },
      ...partsOf(inputs),
    ],
  ]
}

function sendAll(child: ChildProcess, messages: readonly Message[]): number {
  let bytes = 0
  for (const [head, ...parts] of messages)
    for (const buffer of encodeFrame(head, parts)) {
      bytes += buffer.byteLength
      child.stdin?.write(buffer)
    }
  return bytes
}

function listen(child: ChildProcess, run: BatchRun): void {
  const { events } = run
  const name = `elsewhere:${child.pid}`
  const reader = new FrameReader((head, parts) => {
    const message = parseFromWorker(head)
    if (message?.type === "log") events.log(message.index, message.stream, message.text)
    else if (message?.type === "progress") events.progress(message.index, message.fraction, message.note)
    else if (message?.type === "report") {
      run.report(message, parts, name)
      if (run.isOver) child.kill("SIGKILL")
    }
  })
  ;(child.stdio[3] as Readable).on("data", (chunk: Buffer) => reader.push(chunk))
  child.once("close", () => {
    if (!run.isOver)
      events.ended(run.indexAt(run.reported), {
        kind: "lost",
        worker: name,
        reason: "ended before its tasks",
      })
    run.cut(run.reported + 1)
    events.closed()
  })
}

function partsOf({ bytes, blobs }: Encoded): Uint8Array[] {
  return [bytes, ...blobs]
}
