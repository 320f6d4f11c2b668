import type { Captured, Encoded } from "../capture/types.ts"
import type { ResolvedJobOptions } from "../config/schema.ts"
import type { Inputs } from "./inputs.ts"
import type { JobCore } from "./job-core.ts"
import type { ResultCache } from "./result-cache.ts"

/** What a job asks of whoever schedules it. */
export interface JobHost {
  /** The job may have tasks to send. */
  wake(job: JobCore): void
  /** These tasks of the job are cancelled; where they run, end them. */
  endRunning(job: JobCore, indices: readonly number[] | undefined): void
  /** The job has settled. */
  settled(job: JobCore): void
  /** Why tasks cannot be run again, where they cannot. */
  readonly noRetry?: string
}

export interface JobSpec {
  /** Of a job that another process has started. */
  readonly id?: string
  readonly name: string
  readonly captured: Captured
  readonly inputs: Inputs<unknown>
  readonly options: ResolvedJobOptions
  readonly extraArgs: Encoded | undefined
  readonly host: JobHost
  /** Results kept from earlier jobs. */
  readonly cache: ResultCache | undefined
}

export interface Progress {
  readonly fraction: number
  readonly note: string | undefined
}
