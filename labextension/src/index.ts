import type { JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application"
import { INotebookTracker } from "@jupyterlab/notebook"
import { IRenderMimeRegistry } from "@jupyterlab/rendermime"
import { jobMime } from "../../kernel-ext/protocol/job-view.ts"
import { JobHub } from "./lab/job-hub.ts"
import { JobOutput } from "./lab/job-output.ts"
import { showJobsIn } from "./lab/notebook.ts"

/**
 * cellfan's jobs in JupyterLab and Notebook 7.
 *
 *     model/   a job as this page knows it
 *     view/    how it looks; knows no JupyterLab
 *     lab/     where it stands: outputs, comms, side panel
 */

const jobs: JupyterFrontEndPlugin<void> = {
  id: "cellfan-lab:jobs",
  description: "Shows cellfan jobs live under their cells",
  autoStart: true,
  requires: [INotebookTracker, IRenderMimeRegistry],
  activate: (_app: JupyterFrontEnd, notebooks: INotebookTracker, rendermime: IRenderMimeRegistry) => {
    // Where there is no notebook, as in a console, an output shows what it was given.
    const hub = new JobHub(undefined)
    rendermime.addFactory(
      { safe: true, mimeTypes: [jobMime], createRenderer: () => new JobOutput({ hub }) },
      0,
    )
    notebooks.forEach(showJobsIn)
    notebooks.widgetAdded.connect((_, panel) => showJobsIn(panel))
  },
}

export default [jobs]
