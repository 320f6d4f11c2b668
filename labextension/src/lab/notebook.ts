import type { NotebookPanel } from "@jupyterlab/notebook"
import { jobMime } from "../../../kernel-ext/protocol/job-view.ts"
import type { JobModel } from "../model/job-model.ts"
import { JobHub } from "./job-hub.ts"
import { JobOutput } from "./job-output.ts"
import { saveWhileRunning } from "./settings.ts"

/** A job that ends sooner is saved with its end. */
const saveAfterMs = 1500

/** Lets a notebook's outputs show jobs, live from its own kernel. */
export function showJobsIn(panel: NotebookPanel): void {
  const hub = new JobHub(panel.sessionContext)
  const host = {
    hub,
    openCell: (label: string, line: number, column: number) => revealLine(panel, label, line, column),
    runningShown: (job: JobModel) => saveSoon(panel, job),
  }
  panel.content.rendermime.addFactory(
    { safe: true, mimeTypes: [jobMime], createRenderer: () => new JobOutput(host) },
    0,
  )
}

/** The output exists only in this page until the notebook is saved: a reload would lose it, and with it the job's view. */
function saveSoon(panel: NotebookPanel, job: JobModel): void {
  setTimeout(() => {
    if (!saveWhileRunning || panel.isDisposed || job.summary.endedAtMs !== null || job.liveness !== "live")
      return
    const { context } = panel
    if (context.model.dirty && context.contentsModel?.writable !== false && !context.model.readOnly) {
      void context.save().catch(() => {
        // The notebook's own save reports what is wrong; this one was only a precaution.
      })
    }
  }, saveAfterMs)
}

/** Selects the cell that "cell 3" names and puts the cursor on the line. */
function revealLine(panel: NotebookPanel, label: string, line: number, column: number): void {
  const count = Number(label.replace(/\D+/g, ""))
  const notebook = panel.content
  const index = notebook.widgets.findIndex(
    ({ model }) => model.type === "code" && model.sharedModel.toJSON().execution_count === count,
  )
  if (index < 0) return
  notebook.activeCellIndex = index
  void notebook.scrollToItem(index, "smart").then(() => {
    notebook.mode = "edit"
    notebook.activeCell?.editor?.setCursorPosition({ line: line - 1, column: Math.max(0, column - 1) })
  })
}
