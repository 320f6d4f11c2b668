import { spawnSync } from "node:child_process"
import { delimiter, dirname } from "node:path"
import { fileURLToPath } from "node:url"

/** Python's own pools on the same no-op, where they are installed: multiprocessing.Pool always is, Lithops rarely. */
export async function pythonPeers(): Promise<void> {
  const script = fileURLToPath(new URL("pools.py", import.meta.url))
  const python = process.env.PYTHON ?? "python3"
  // Lithops starts "python" by that name: it has to be the one that has Lithops.
  const path = python.includes("/") ? `${dirname(python)}${delimiter}${process.env.PATH}` : process.env.PATH
  const env = { ...process.env, PATH: path }
  console.log("| no-op tasks, Python, ms | first | warm |")
  console.log("|---|---|---|")
  for (const [peer, size] of [
    ["multiprocessing.Pool", 1],
    ["multiprocessing.Pool", 100],
    ["multiprocessing.Pool", 1000],
    ["multiprocessing.Pool", 10_000],
    ["lithops", 1],
    ["lithops", 100],
  ] as const) {
    const { status, stdout, stderr } = spawnSync(python, [script, peer, String(size)], {
      encoding: "utf8",
      env,
    })
    if (status === 0) {
      const { first, warm } = JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as {
        first: number
        warm: number
      }
      console.log(
        `| ${peer}, ${size.toLocaleString("en")} tasks | ${first.toFixed(1)} | ${warm.toFixed(2)} |`,
      )
    } else {
      const reason = /No module named '?lithops/.test(stderr)
        ? "not installed"
        : (stderr.trim().split("\n").at(-1) ?? "failed")
      console.log(`| ${peer}, ${size.toLocaleString("en")} tasks | ${reason} | – |`)
    }
  }
}
