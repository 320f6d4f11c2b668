import { UsageError } from "../../errors.ts"
import { type JobView, onJob } from "../../executors/observe.ts"
import { nearest } from "../../util/nearest.ts"
import { readNothing, readWord } from "./arguments.ts"
import { type LineCall, literal, type Magic, runtimeName } from "./magic.ts"
import { write } from "./output.ts"

/** %jobs, %cancel and %retry: the jobs of this kernel. */

export const jobMagics: readonly Magic[] = [
  {
    name: "jobs",
    summary: "Gives the jobs of this kernel, newest last, with how many of their tasks are in which state.",
    details: "`const all = %jobs` gives them as a list of objects.",
    line: {
      translate({ args }: LineCall) {
        readNothing(args, "%jobs")
        return [`${runtimeName}.jobs()`]
      },
    },
  },
  {
    name: "cancel",
    summary: "Cancels a job: what is queued or running.",
    details: "JOB is the id that `%jobs` shows, its beginning, or the job's name; `all` cancels every job.",
    line: { words: "JOB", translate: (call) => [jobCall("cancel", call)] },
  },
  {
    name: "retry",
    summary: "Runs those tasks of a job again that failed or were cancelled; what is done is kept.",
    details: "JOB is the id that `%jobs` shows, its beginning, or the job's name; `all` retries every job.",
    line: { words: "JOB", translate: (call) => [jobCall("retry", call)] },
  },
]

function jobCall(method: string, { args }: LineCall): string {
  const job = readWord(args, `%${method}`, "one job")
  return `${runtimeName}.${method}(${literal(job ?? "")})`
}

export const jobDeclarations = `
  jobs(): { id: string; name: string; executor: string; backend: string; tasks: number; queued: number; running: number
    done: number; failed: number; cancelled: number; seconds: number }[]
  cancel(job: string): void
  retry(job: string): void`

/** Settled jobs that are kept for %jobs and %retry, beside all that run. They hold their results. */
const keptJobs = 50

export interface JobRuntime {
  readonly runtime: ReturnType<typeof createMethods>
  /** Ids, newest last. */
  ids(): readonly string[]
  /** Lets go of the jobs that have settled; says how many there were. */
  forgetSettled(): number
  stop(): void
}

export function createJobRuntime(): JobRuntime {
  let jobs: JobView[] = []
  const stop = onJob((job) => {
    const settled = jobs.filter((known) => known.endedAtMs !== undefined)
    const dropped = new Set(settled.slice(0, Math.max(0, settled.length - keptJobs + 1)))
    jobs = [...jobs.filter((known) => !dropped.has(known)), job]
  })
  return {
    runtime: createMethods(() => jobs),
    ids: () => jobs.map((job) => job.id),
    forgetSettled() {
      const known = jobs.length
      jobs = jobs.filter((job) => job.endedAtMs === undefined)
      return known - jobs.length
    },
    stop,
  }
}

function createMethods(jobs: () => readonly JobView[]) {
  return {
    jobs: () => jobs().map(summary),
    cancel(wanted: string): void {
      for (const job of findJobs(jobs(), wanted, "%cancel")) {
        const count = job.counts.queued + job.counts.running
        job.cancel()
        write(`${title(job)}: ${count === 0 ? "nothing left to cancel" : `cancelled ${tasks(count)}`}.\n`)
      }
    },
    retry(wanted: string): void {
      for (const job of findJobs(jobs(), wanted, "%retry")) {
        const count = job.counts.failed + job.counts.cancelled
        job.retry()
        write(
          `${title(job)}: ${count === 0 ? "nothing failed or was cancelled" : `retrying ${tasks(count)}`}.\n`,
        )
      }
    },
  }
}

function summary(job: JobView) {
  const { queued, running, done, failed, cancelled } = job.counts
  const seconds = Math.round((job.endedAtMs ?? Date.now()) - job.startedAtMs) / 1000
  const { id, name, executor, backend, size } = job
  return { id, name, executor, backend, tasks: size, queued, running, done, failed, cancelled, seconds }
}

function findJobs(jobs: readonly JobView[], wanted: string, owner: string): readonly JobView[] {
  const ids = jobs.map((job) => job.id)
  if (wanted === "")
    throw new UsageError(
      `${owner} takes the id of a job. ${ids.length === 0 ? "There is none yet." : list(jobs)}`,
    )
  if (wanted === "all") return jobs
  const exact = jobs.find((job) => job.id === wanted)
  if (exact !== undefined) return [exact]
  const named = jobs.filter((job) => job.name === wanted || job.id.startsWith(wanted))
  const [only] = named
  if (only !== undefined && named.length === 1) return [only]
  if (only !== undefined) throw new UsageError(`${owner}: ${wanted} means several jobs. ${list(named)}`)
  const near = nearest(wanted, [...ids, ...jobs.map((job) => job.name)])
  const guess = near === undefined ? "" : ` Did you mean ${near}?`
  const all = jobs.length === 0 ? "No job has run in this kernel." : list(jobs)
  throw new UsageError(`${owner}: there is no job ${wanted}.${guess} ${all}`)
}

function list(jobs: readonly JobView[]): string {
  const shown = jobs.slice(-10).map(title)
  return `There ${shown.length === 1 ? "is" : "are"} ${shown.join(", ")}.`
}

function title(job: JobView): string {
  return `${job.id} (${job.name})`
}

function tasks(count: number): string {
  return count === 1 ? "1 task" : `${count} tasks`
}
