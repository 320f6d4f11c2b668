import { spawn } from "node:child_process"
import { text } from "node:stream/consumers"
import { sshError } from "./errors.ts"

/** Where shell scripts are run: on a host, by its connection, or on this machine. What they tell are lines `cellfan:KEY=VALUE`. */
export interface Shell {
  /** @throws BackendError with what it wrote to stderr, where it ends with another code than 0. */
  script(doing: string, text: string): Promise<Map<string, string[]>>
}

export interface Ended {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** What a script that has ended has told. @throws BackendError where it failed. */
export function toldBy({ code, stdout, stderr }: Ended, who: string, doing: string): Map<string, string[]> {
  if (code !== 0) {
    const said = lastLines(stderr) || `the shell ended with code ${code}`
    const kind = /no space left|disk quota/i.test(stderr) ? "quota" : "other"
    throw sshError(kind, `${who} could not ${doing}: ${said}`)
  }
  const told = new Map<string, string[]>()
  for (const [, key = "", value = ""] of stdout.matchAll(/^cellfan:(\w+)=(.*)$/gm))
    told.set(key, [...(told.get(key) ?? []), value])
  return told
}

/** This machine's. */
export const shellHere: Shell = {
  async script(doing, script) {
    const child = spawn("/bin/sh", { stdio: "pipe" })
    const ended = new Promise<number>((resolve, reject) => {
      child.on("error", reject).on("close", (code) => resolve(code ?? 1))
    })
    child.stdin.on("error", () => {}).end(script)
    const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
    return toldBy({ code, stdout, stderr: stderr.trim() }, "This machine", doing)
  },
}

/** A program's last words. Of code without line breaks they may be its whole text. */
function lastLines(words: string): string {
  const lines = words.split("\n").slice(-12)
  return lines.map((line) => (line.length > 300 ? `${line.slice(0, 300)}…` : line)).join("\n")
}
