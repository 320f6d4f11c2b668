import type { ILayoutRestorer, JupyterFrontEnd, JupyterFrontEndPlugin } from "@jupyterlab/application"
import { ILabShell, ILayoutRestorer as LayoutRestorerToken } from "@jupyterlab/application"
import { ICommandPalette } from "@jupyterlab/apputils"
import { type ConsolePanel, IConsoleTracker } from "@jupyterlab/console"
import { INotebookTracker, type NotebookPanel } from "@jupyterlab/notebook"
import { IRenderMimeRegistry } from "@jupyterlab/rendermime"
import { ISettingRegistry } from "@jupyterlab/settingregistry"
import { IStatusBar } from "@jupyterlab/statusbar"
import { ITranslator, nullTranslator } from "@jupyterlab/translation"
import { jobMime } from "../../kernel-ext/protocol/job-view.ts"
import { addJobList } from "./lab/all-jobs.ts"
import { hubOf } from "./lab/hubs.ts"
import { JobHub } from "./lab/job-hub.ts"
import { JobOutput } from "./lab/job-output.ts"
import { jobRank, showJobsIn } from "./lab/notebook.ts"
import { followSettings } from "./lab/settings.ts"
import { setLanguage } from "./view/words.ts"

/**
 * cellfan's jobs in JupyterLab and Notebook 7.
 *
 *     model/   a job as this page knows it
 *     view/    how it looks; knows no JupyterLab
 *     lab/     where it stands: outputs, comms, side panel, settings
 */

const jobs: JupyterFrontEndPlugin<void> = {
  id: "cellfan-lab:jobs",
  description: "Shows cellfan jobs live under their cells",
  autoStart: true,
  requires: [INotebookTracker, IRenderMimeRegistry],
  optional: [ISettingRegistry, ITranslator, IConsoleTracker],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    rendermime: IRenderMimeRegistry,
    settings: ISettingRegistry | null,
    translator: ITranslator | null,
    consoles: IConsoleTracker | null,
  ) => {
    const trans = (translator ?? nullTranslator).load("cellfan")
    setLanguage((text, ...values) => trans.__(text, ...values))
    // Where there is no session, an output shows what it was given.
    const hub = new JobHub(undefined)
    rendermime.addFactory(
      { safe: true, mimeTypes: [jobMime], createRenderer: () => new JobOutput({ hub }) },
      jobRank,
    )
    const { contents } = app.serviceManager
    const show = (panel: NotebookPanel) => showJobsIn(panel, contents)
    notebooks.forEach(show)
    notebooks.widgetAdded.connect((_, panel) => show(panel))
    const showInConsole = ({ console, sessionContext }: ConsolePanel) => {
      const host = { hub: hubOf(sessionContext) }
      console.rendermime.addFactory(
        { safe: true, mimeTypes: [jobMime], createRenderer: () => new JobOutput(host) },
        jobRank,
      )
    }
    consoles?.forEach(showInConsole)
    consoles?.widgetAdded.connect((_, panel) => showInConsole(panel))
    if (settings !== null) void followSettings(settings, jobs.id)
  },
}

const allJobs: JupyterFrontEndPlugin<void> = {
  id: "cellfan-lab:all-jobs",
  description: "Lists the jobs of all kernels in the side bar, and what runs in the status bar",
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ILabShell, LayoutRestorerToken, ICommandPalette, IStatusBar, ITranslator, IConsoleTracker],
  activate: (
    app: JupyterFrontEnd,
    notebooks: INotebookTracker,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    statusBar: IStatusBar | null,
    translator: ITranslator | null,
    consoles: IConsoleTracker | null,
  ) => {
    const trans = (translator ?? nullTranslator).load("cellfan")
    addJobList({ app, notebooks, consoles, labShell, restorer, palette, statusBar, trans })
  },
}

export default [jobs, allJobs]
