import type { NotebookPanel } from "@jupyterlab/notebook"
import { jobMime, parseSavedJob } from "../../../kernel-ext/protocol/job-view.ts"

/** Scrolls to the cell whose output holds the job. */
export async function revealJob(panel: NotebookPanel, jobId: string): Promise<void> {
  await panel.revealed
  const notebook = panel.content
  const index = notebook.widgets.findIndex(({ model }) => {
    if (model.type !== "code") return false
    const outputs =
      (model.toJSON() as { outputs?: readonly { data?: Record<string, unknown> }[] }).outputs ?? []
    return outputs.some(({ data }) => parseSavedJob(data?.[jobMime])?.id === jobId)
  })
  if (index < 0) return
  notebook.activeCellIndex = index
  void notebook.scrollToItem(index, "smart")
}
