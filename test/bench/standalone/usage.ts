import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"

/** What another process of this machine uses. Linux. */

const mebibyte = 1024 * 1024

/** Clock ticks per second, which is 100 wherever Node runs on Linux. */
const ticksPerSecond = 100

export function residentMiB(pid: number): number {
  const [, kibibytes = "0"] = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
  return Number(kibibytes) / 1024
}

/** Processor time since it began, in seconds. */
export function processorSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8")
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

export function folderMiB(folder: string): number {
  let bytes = 0
  // Files come and go while they are counted.
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile())
      bytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0
  return bytes / mebibyte
}

/** The most of each, looked at ten times a second until it is stopped. */
export class Peak {
  readonly #timer: NodeJS.Timeout
  readonly #probes: Readonly<Record<string, () => number>>
  readonly most: Record<string, number> = {}

  constructor(probes: Readonly<Record<string, () => number>>) {
    this.#probes = probes
    this.#timer = setInterval(() => this.#look(), 100)
    this.#look()
  }

  stop(): Readonly<Record<string, number>> {
    clearInterval(this.#timer)
    this.#look()
    return this.most
  }

  #look(): void {
    for (const [name, probe] of Object.entries(this.#probes))
      this.most[name] = Math.max(this.most[name] ?? 0, probe())
  }
}
