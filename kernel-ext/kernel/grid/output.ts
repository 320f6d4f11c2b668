import type { JobView } from "../../executors/observe.ts"
import type { Cell, DisplayBundle } from "../types.ts"
import { jobBundle } from "./bundle.ts"
import type { Pulse } from "./pulse.ts"

/**
 * A job's picture in its cell's output. Live views draw from the comm; this is what the notebook saves and what front
 * ends without the extension show, so it is renewed rarely: at the end, and before that ever less often.
 */

const firstUpdateMs = 2000
const slowestUpdateMs = 60_000

export interface JobOutput {
  /** Stops the updates. */
  close(): void
}

/** Shows the job in `cell` and keeps it up to date; `renewed` gets each bundle after the first. */
export function showJob(
  job: JobView,
  pulse: Pulse,
  cell: Cell,
  renewed: (data: DisplayBundle["data"]) => void,
): JobOutput {
  const displayId = `cellfan-${job.id}`
  let timer: NodeJS.Timeout | undefined
  let ended = job.endedAtMs !== undefined

  const renew = () => {
    const data = jobBundle(job, Date.now())
    cell.output.updateDisplayData({ data, displayId })
    renewed(data)
  }
  const schedule = () => {
    const elapsedMs = Date.now() - job.startedAtMs
    timer = setTimeout(
      () => {
        renew()
        schedule()
      },
      Math.min(slowestUpdateMs, Math.max(firstUpdateMs, elapsedMs / 2)),
    ).unref()
  }
  const look = () => {
    if (ended === (job.endedAtMs !== undefined)) return
    ended = !ended
    clearTimeout(timer)
    if (ended) renew()
    else schedule()
  }

  cell.output.displayData({ data: jobBundle(job, Date.now()), displayId })
  pulse.listen(look)
  if (!ended) schedule()
  return {
    close() {
      clearTimeout(timer)
    },
  }
}
