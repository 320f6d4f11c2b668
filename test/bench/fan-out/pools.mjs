import { fork } from "node:child_process"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { tasks, workers } from "./tasks.mjs"

/** The peers, each as its documentation has it used: `open()` makes a pool, which maps a named task over inputs. */

const file = (name) => fileURLToPath(new URL(name, import.meta.url))

export const pools = {
  cellfan: () => cellfan({ workers }),

  "cellfan, threads": () => cellfan({ workers, isolation: "thread" }),

  async piscina() {
    const { Piscina } = await import("piscina")
    return () => {
      const options = {
        filename: file("worker.mjs"),
        minThreads: workers,
        maxThreads: workers,
        idleTimeout: Infinity,
      }
      const pool = new Piscina(options)
      return {
        map: (name, inputs) => Promise.all(inputs.map((input) => pool.run(input, { name }))),
        close: () => pool.destroy(),
      }
    }
  },

  async "tinypool processes"() {
    const { default: Tinypool } = await import("tinypool")
    return () => {
      const pool = new Tinypool({
        filename: file("worker.mjs"),
        minThreads: workers,
        maxThreads: workers,
        runtime: "child_process",
        idleTimeout: 1e9,
      })
      return {
        map: (name, inputs) => Promise.all(inputs.map((input) => pool.run(input, { name }))),
        close: () => pool.destroy(),
      }
    }
  },

  async "workerpool processes"() {
    const { default: workerpool } = await import("workerpool")
    return () => {
      const pool = workerpool.pool(file("workerpool.mjs"), {
        workerType: "process",
        minWorkers: workers,
        maxWorkers: workers,
        forkOpts: { serialization: "advanced" },
      })
      return {
        map: (name, inputs) => Promise.all(inputs.map((input) => pool.exec(name, [input]))),
        close: () => pool.terminate(true),
      }
    }
  },

  async "raw sockets"() {
    const { socketPool } = await import("./sockets.mjs")
    return () => socketPool(workers)
  },

  /** What the machine itself can do: each process runs its share in a loop, and says nothing before the end. */
  async "plain loops"() {
    return () => {
      const children = Array.from({ length: workers }, () =>
        fork(file("fork.mjs"), [], { serialization: "advanced" }),
      )
      return {
        map: (name, inputs) => mapBare(children, name, inputs, Math.ceil(inputs.length / workers)),
        close: () => {
          for (const child of children) child.kill()
        },
      }
    }
  },

  /** What one would write by hand for one job: no state of tasks, no errors, no retries. */
  async "bare fork, batched"() {
    return () => {
      const children = Array.from({ length: workers }, () =>
        fork(file("fork.mjs"), [], { serialization: "advanced" }),
      )
      return {
        map: (name, inputs) => mapBare(children, name, inputs),
        close: () => {
          for (const child of children) child.kill()
        },
      }
    }
  },
}

async function cellfan(options) {
  const { LocalhostExecutor, onJob } = await import("../../../dist/index.js")
  const { watchAllJobs } = await bundled("./grid-view.ts")
  watchAllJobs(onJob)
  return () => {
    const fexec = new LocalhostExecutor(options)
    return { map: (name, inputs) => fexec.map(tasks[name], inputs), close: () => fexec.close() }
  }
}

/** A TypeScript file as the kernel's own build makes it: a loader's helpers around each function would be measured with it. */
async function bundled(name) {
  const entryPoints = [file(name)]
  const { outputFiles } = await build({
    entryPoints,
    bundle: true,
    platform: "node",
    format: "esm",
    write: false,
  })
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`)
}

function bareBatch(count) {
  return Math.max(1, Math.min(4096, Math.ceil(count / (workers * 8))))
}

function mapBare(children, name, inputs, size = bareBatch(inputs.length)) {
  const results = new Array(inputs.length)
  let next = 0
  let missing = inputs.length
  return new Promise((resolve) => {
    for (const child of children) {
      child.removeAllListeners("message")
      child.on("message", ({ from, values }) => {
        for (let i = 0; i < values.length; i++) results[from + i] = values[i]
        missing -= values.length
        if (missing === 0) resolve(results)
        else send(child)
      })
    }
    for (let turn = 0; turn < 2; turn++) for (const child of children) send(child)
    function send(child) {
      if (next >= inputs.length) return
      const from = next
      next = Math.min(inputs.length, from + size)
      child.send({ name, from, values: inputs.slice(from, next) })
    }
  })
}
