import { isDeepStrictEqual } from "node:util"
import { isRecord } from "../kernel/wire.ts"
import { jobMime } from "../protocol/job-view.ts"
import { formatDuration } from "../protocol/job-words.ts"
import { type CodeCell, joined, type Output, readNotebook, runNotebook } from "./notebook.ts"

/** Cells with this tag are run and not compared: they show times, or what the network says today. */
const variesTag = "varies"

export interface Verdict {
  readonly same: boolean
  /** In lines, for people. */
  readonly report: string
}

/**
 * Runs a notebook once more and says whether it gave the same: texts, values, errors, and of each job by its manifest the
 * hashes of code, inputs and results. How long things took is not compared, nor what a job's picture shows of that.
 */
export async function verify(file: string): Promise<Verdict> {
  const saved = readNotebook(file)
  const startedAt = performance.now()
  const fresh = await runNotebook(file, saved)
  const compared = saved.filter(({ tags }) => !tags.includes(variesTag))
  const lines: string[] = []
  let different = 0
  for (const before of compared) {
    const after = fresh.find(({ number }) => number === before.number)
    const problems = compareCells(before, after ?? before)
    if (problems.length > 0) different++
    lines.push(...problems.map((problem) => `  cell ${before.number}: ${problem}`))
  }
  const took = formatDuration(performance.now() - startedAt)
  const left = saved.length - compared.length
  const same = different === 0
  const verdict = same
    ? `${compared.length} code cells gave the same as before`
    : `${different} of ${compared.length} code cells gave something else`
  const notCompared = left === 0 ? "" : `; ${left} tagged "${variesTag}" not compared`
  return { same, report: [`${file}: ${verdict} (${took}${notCompared})`, ...lines].join("\n") }
}

export function compareCells({ outputs: before }: CodeCell, { outputs: after }: CodeCell): string[] {
  const [oldJobs, newJobs] = [before.flatMap(manifestOf), after.flatMap(manifestOf)]
  const [oldRest, newRest] = [before.filter((o) => !isJob(o)), after.filter((o) => !isJob(o))]
  return [...compareJobs(oldJobs, newJobs), ...compareOutputs(oldRest, newRest)]
}

type Manifest = Readonly<Record<string, unknown>>

/** What has to be the same, in words; what is null was not hashed. */
const hashes = [
  ["tasks", "has another number of tasks"],
  ["seed", "has another seed"],
  ["codeHash", "ran other code, or captured other values"],
  ["inputsHash", "had other inputs"],
  ["resultsHash", "gave other results"],
] as const

function compareJobs(before: readonly Manifest[], after: readonly Manifest[]): string[] {
  if (before.length !== after.length) return [`had ${before.length} jobs, and now has ${after.length}`]
  return before.flatMap((old, i) => {
    const now = after[i] ?? {}
    const problems = hashes
      .filter(([key]) => old[key] !== null && now[key] !== null && old[key] !== now[key])
      .map(([key, words]) => `${words} (${key} was ${old[key]}, is ${now[key]})`)
    if (problems.length === 0) return []
    return problems.map((problem) => `job \`${old.name}\` ${problem}${otherVersions(old, now)}`)
  })
}

/** What may be the reason. */
function otherVersions(old: Manifest, now: Manifest): string {
  const changed = [...versionsOf(old)].filter(([name, version]) => versionsOf(now).get(name) !== version)
  if (changed.length === 0) return ""
  return `; ${changed.map(([name, version]) => `${name} was ${version}, is ${versionsOf(now).get(name) ?? "missing"}`).join(", ")}`
}

function versionsOf({ versions, packages }: Manifest): Map<string, unknown> {
  return new Map([...Object.entries(versions ?? {}), ...Object.entries(packages ?? {})])
}

function compareOutputs(before: readonly Output[], after: readonly Output[]): string[] {
  if (before.length !== after.length) return [`gave ${before.length} outputs, and now gives ${after.length}`]
  return before.flatMap((old, i) => {
    const now = after[i] as Output
    return isDeepStrictEqual(comparable(old), comparable(now))
      ? []
      : [`gave ${shown(old)}, and now gives ${shown(now)}`]
  })
}

/** Texts as one string, whether the notebook has them as lines or not. */
function comparable(output: Output): unknown {
  if (!("data" in output)) return output
  const data = Object.entries(output.data).map(([type, value]) => [
    type,
    Array.isArray(value) && !type.endsWith("json") ? joined(value) : value,
  ])
  return { type: output.output_type, data: Object.fromEntries(data) }
}

function shown(output: Output): string {
  if (output.output_type === "stream") return line(output.text)
  if (output.output_type === "error") return line(`${output.ename}: ${output.evalue}`)
  return line(joined(output.data["text/plain"] ?? Object.keys(output.data).join(", ")))
}

function line(text: string): string {
  const flat = JSON.stringify(text)
  return flat.length > 100 ? `${flat.slice(0, 99)}…` : flat
}

function isJob(output: Output): boolean {
  return "data" in output && (jobMime in output.data || manifestOf(output).length > 0)
}

function manifestOf(output: Output): Manifest[] {
  if (!("data" in output) || !isRecord(output.metadata.cellfan)) return []
  const { manifest } = output.metadata.cellfan
  return isRecord(manifest) ? [manifest] : []
}
