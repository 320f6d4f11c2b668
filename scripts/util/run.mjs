import { spawn } from "node:child_process"
import { root } from "./paths.mjs"

/** Runs a program with its output shown; resolves with its exit code, or 1 where a signal ended it. */
export function show(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: "inherit", ...options })
    child.on("error", reject)
    child.on("close", (code) => resolve(code ?? 1))
  })
}

/** Runs a program with its output kept; resolves with exit code and all it wrote, in order. */
export function capture(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], ...options })
    let output = ""
    const keep = (chunk) => {
      output += chunk
    }
    child.stdout.setEncoding("utf8").on("data", keep)
    child.stderr.setEncoding("utf8").on("data", keep)
    child.on("error", reject)
    child.on("close", (code) => resolve({ code: code ?? 1, output }))
  })
}

/** As `capture`, and throws with the output where the program failed. */
export async function mustRun(command, args, options = {}) {
  const { code, output } = await capture(command, args, options)
  if (code !== 0) throw new Error(`${[command, ...args].join(" ")} ended with code ${code}:\n${output}`)
  return output
}

/** npm itself, as this process was started by it or as it stands on the path. */
export function npm(args) {
  const script = process.env.npm_execpath
  if (script?.endsWith(".js")) return [process.execPath, [script, ...args]]
  return process.platform === "win32" ? ["cmd.exe", ["/d", "/c", "npm", ...args]] : ["npm", args]
}
