import { type JobView, onJob } from "../executors/observe.ts"
import { commTarget, parseViewOpen } from "../protocol/job-view.ts"
import { currentCell } from "./current-cell.ts"
import { SingleCalls } from "./grid/calls.ts"
import { Jobs } from "./grid/jobs.ts"
import { JobOutput } from "./grid/output.ts"
import { serveView } from "./grid/session.ts"
import { TerminalLine } from "./grid/terminal-line.ts"
import { Widgets } from "./grid/widgets.ts"
import type { Comm, Comms } from "./types.ts"

/**
 * The kernel's half of the grid.
 *
 *     output.ts      the picture under the cell, renewed rarely and at the end
 *     terminal-line.ts  the same where text is all there is
 *     calls.ts       many calls of one task in a cell: the first few shown, the rest counted
 *     widgets.ts     live views for front ends without our extension; widget-file.ts: their code
 *     bundle.ts      a job as summary, MIME bundle, one task's details
 *     picture.ts     the SVG
 *     jobs.ts        the jobs views can ask for, and the list of all
 *     session.ts     one view at the other end of a comm
 *     pulse.ts       that a job changed, once a turn of the event loop
 *     feed.ts        a job's states to its views, ten times a second
 *     task-watch.ts  one task's details, live
 *     task-cell.ts   one task as a cell that runs it here
 *     executors.ts   executors with their workers, and their clean-up
 *     times.ts       when tasks ran, for timeline and histogram
 */

/** Shows every job of this process in the cell that started it, and answers the views of front ends. */
export function attachGrid(comms: Comms): () => void {
  const jobs = new Jobs()
  const calls = new SingleCalls()
  const ours = new Set<Comm>()
  const widgets = new Widgets(comms, () => ours.size > 0)

  const stop = onJob((job: JobView) => {
    const cell = currentCell()
    const known = jobs.add(job, cell === undefined ? "" : String(cell.executionCount))
    if (cell === undefined || cell.silent || calls.counted(job, cell)) return
    if (cell.atTerminal) {
      known.output = new TerminalLine(job, known.pulse, cell)
      return
    }
    known.output = new JobOutput(job, known.pulse, cell, {
      renewed: ({ data, metadata }) => known.feed.tell({ type: "picture", data, metadata }),
      openWidget: (saved) => widgets.open(saved, (comm) => serveView(comm, { job: job.id }, jobs)),
    })
    widgets.probe()
  })

  comms.register(commTarget, (comm, data) => {
    const open = parseViewOpen(data)
    if (open === undefined) {
      comm.close()
      return
    }
    ours.add(comm)
    comm.onClose(() => ours.delete(comm))
    serveView(comm, open, jobs)
  })

  return () => {
    stop()
    jobs.close()
    calls.close()
  }
}
