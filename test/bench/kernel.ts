import { join } from "node:path"
import { runPython } from "../support/jupyter.ts"
import { root } from "../support/repository.ts"

/**
 * How long this kernel takes to be there and to run cells, and its memory, beside tslab's own kernel in the same run.
 * Part of `npm run bench`.
 */

const STARTS = 5
const CELLS = 40

interface Times {
  readonly ready: number
  readonly first: number
  readonly cells: number
  readonly loop: number
  readonly memory: number
}

const kernels = {
  cellfan: [process.execPath, join(root, "dist", "kernel.js"), "{connection_file}"],
  tslab: [
    process.execPath,
    join(root, "node_modules", "tslab", "bin", "tslab"),
    "kernel",
    "--config-path",
    "{connection_file}",
  ],
}

const script = join(root, "test", "bench", "kernel_times.py")
const { code, stdout, stderr } = await runPython([script, String(STARTS), String(CELLS)], {
  input: JSON.stringify(kernels),
})
if (code !== 0) throw new Error(`kernel_times.py failed:\n${stderr}`)
const { cellfan, tslab } = JSON.parse(stdout) as Record<keyof typeof kernels, Times>

console.log(
  `| kernel, median of ${STARTS} starts and ${STARTS * CELLS} cells | cellfan | tslab 1.0.22 | cellfan / tslab |`,
)
console.log("|---|---|---|---|")
row("launch to first answer", cellfan.ready, tslab.ready)
row("launch to the end of the first cell", cellfan.first, tslab.first)
row("trivial cell", cellfan.cells, tslab.cells)
row("loop of 3,000,000 steps over a variable of the notebook", cellfan.loop, tslab.loop)
row("memory after the first cell", cellfan.memory, tslab.memory, "MiB")

function row(what: string, ours: number, theirs: number, unit = "ms"): void {
  console.log(
    `| ${what} | ${ours.toFixed(0)} ${unit} | ${theirs.toFixed(0)} ${unit} | ${(ours / theirs).toFixed(2)} |`,
  )
}
