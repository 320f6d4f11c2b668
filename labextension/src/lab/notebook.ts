import type { NotebookPanel } from "@jupyterlab/notebook"
import type { Contents } from "@jupyterlab/services"
import { jobMime } from "../../../kernel-ext/protocol/job-view.ts"
import type { JobModel } from "../model/job-model.ts"
import { hubOf } from "./hubs.ts"
import { JobOutput } from "./job-output.ts"
import { type Keeper, Keepers } from "./keepers.ts"
import { saveQuietly, watchSaves } from "./save.ts"
import { saveWhileRunning } from "./settings.ts"

/** Before the widgets of ipywidgets, which have 0: an output may offer both. */
export const jobRank = -10

/** A job that ends sooner is saved with its end. */
const saveAfterMs = 1500

/** Lets a notebook's outputs show jobs, live from its own kernel. */
export function showJobsIn(panel: NotebookPanel, contents: Contents.IManager): void {
  const { context } = panel
  watchSaves(context)
  const host = {
    hub: hubOf(panel.sessionContext),
    keepers: new Keepers(`${contents.serverSettings.baseUrl} ${context.path}`),
    openCell: (label: string, line: number, column: number, from: Node) =>
      revealLine(panel, { label, line, column, from }),
    takeCell: (code: string, from: Node) => insertCell(panel, code, from),
    runningShown: (job: JobModel, keeper: Keeper) => {
      setTimeout(() => saveRunning(panel, contents, job, keeper), saveAfterMs)
    },
  }
  panel.content.rendermime.addFactory(
    { safe: true, mimeTypes: [jobMime], createRenderer: () => new JobOutput(host) },
    jobRank,
  )
}

/** The output exists only in this page until the notebook is saved: a reload would lose it, and with it the job's view. */
function saveRunning(panel: NotebookPanel, contents: Contents.IManager, job: JobModel, keeper: Keeper): void {
  const isRunning = job.summary.endedAtMs === null && job.liveness === "live"
  if (!saveWhileRunning || !isRunning || !keeper.isOurs || panel.isDisposed) return
  saveQuietly(panel.context, contents).catch(() => {
    // The notebook's own save reports what is wrong; this one was only a precaution.
  })
}

/** A new cell under the one that `from` stands in, ready to be run. */
function insertCell(panel: NotebookPanel, code: string, from: Node): void {
  const notebook = panel.content
  const model = notebook.model
  if (model === null || model.readOnly) return
  const within = notebook.widgets.findIndex(({ node }) => node.contains(from))
  const index = (within < 0 ? notebook.activeCellIndex : within) + 1
  model.sharedModel.insertCell(index, { cell_type: "code", source: code, metadata: {} })
  notebook.activeCellIndex = index
  void notebook.scrollToItem(index, "smart").then(() => {
    notebook.mode = "edit"
  })
}

interface Place {
  /** "cell 3" */
  readonly label: string
  readonly line: number
  readonly column: number
  /** The view that was asked. */
  readonly from: Node
}

/** Selects the cell that "cell 3" names and puts the cursor on the line. */
function revealLine(panel: NotebookPanel, { label, line, column, from }: Place): void {
  const count = Number(label.replace(/\D+/g, ""))
  const notebook = panel.content
  const countOf = ({ model }: (typeof notebook.widgets)[number]) =>
    model.type === "code" ? model.sharedModel.toJSON().execution_count : undefined
  const named = notebook.widgets.findIndex((cell) => countOf(cell) === count)
  // A cell whose page was reloaded while it ran never learns its number: then it is the one around the view.
  const index =
    named >= 0
      ? named
      : notebook.widgets.findIndex((cell) => cell.node.contains(from) && countOf(cell) === null)
  if (index < 0) return
  notebook.activeCellIndex = index
  void notebook.scrollToItem(index, "smart").then(() => {
    notebook.mode = "edit"
    notebook.activeCell?.editor?.setCursorPosition({ line: line - 1, column: Math.max(0, column - 1) })
  })
}
