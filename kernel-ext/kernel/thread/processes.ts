import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"

/** The processes of this machine, as far as this one is let see them. */

export interface ProcessEntry {
  readonly parent: number
  readonly group: number
}

export interface ProcessUsage extends ProcessEntry {
  readonly cpuSeconds: number
  readonly memoryBytes: number
}

/** Both are the same on every Linux that Node runs on, but for memory pages of some ARM machines. */
const TICKS_PER_SECOND = 100
const PAGE_BYTES = 4096

/** By their number; undefined where there is no /proc. */
export function processesWithUsage(): ReadonlyMap<number, ProcessUsage> | undefined {
  const found = new Map<number, ProcessUsage>()
  try {
    for (const name of readdirSync("/proc")) if (/^\d+$/.test(name)) readProcess(Number(name), found)
  } catch {
    return undefined
  }
  return found
}

/** By their number; none where the system has no way to tell. */
export function processes(): ReadonlyMap<number, ProcessEntry> {
  return processesWithUsage() ?? processesByProgram()
}

/** All that `roots` have started, they among it. */
export function withDescendants(
  roots: Iterable<number>,
  all: ReadonlyMap<number, ProcessEntry>,
): ReadonlySet<number> {
  const family = new Set(roots)
  // A child's number may be lower than its parent's: until no more are found.
  for (let before = -1; before < family.size; ) {
    before = family.size
    for (const [pid, { parent }] of all) if (family.has(parent)) family.add(pid)
  }
  return family
}

function readProcess(pid: number, into: Map<number, ProcessUsage>): void {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  } catch {
    // It has ended meanwhile.
    return
  }
  // The program's name, in parentheses, may hold anything; from the third field on all are numbers but one.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const field = (number: number) => Number(fields[number - 3])
  into.set(pid, {
    parent: field(4),
    group: field(5),
    cpuSeconds: (field(14) + field(15)) / TICKS_PER_SECOND,
    memoryBytes: field(24) * PAGE_BYTES,
  })
}

function processesByProgram(): ReadonlyMap<number, ProcessEntry> {
  try {
    const listed = execFileSync("ps", ["-axo", "pid=,ppid=,pgid="], { encoding: "utf8", stdio: "pipe" })
    const rows = listed.trim().split("\n")
    return new Map(
      rows.map((row) => {
        const [pid = 0, parent = 0, group = 0] = row.trim().split(/\s+/).map(Number)
        return [pid, { parent, group }]
      }),
    )
  } catch {
    return new Map()
  }
}
