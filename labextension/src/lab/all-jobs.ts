import type { ILabShell, ILayoutRestorer, JupyterFrontEnd } from "@jupyterlab/application"
import type { ICommandPalette } from "@jupyterlab/apputils"
import type { IConsoleTracker } from "@jupyterlab/console"
import type { INotebookTracker, NotebookPanel } from "@jupyterlab/notebook"
import type { IStatusBar } from "@jupyterlab/statusbar"
import type { TranslationBundle } from "@jupyterlab/translation"
import { jobsIcon } from "./icon.ts"
import { JobList, type PlacedJob } from "./job-list.ts"
import { KernelPlaces } from "./kernel-places.ts"
import { revealJob } from "./reveal.ts"
import { SidePanel } from "./side-panel.ts"
import { StatusItem } from "./status-item.ts"

export const showCommand = "cellfan:show-jobs"
export const cancelCommand = "cellfan:cancel-jobs"

const noArguments = { args: { type: "object", properties: {} } } as const

interface Page {
  readonly app: JupyterFrontEnd
  readonly notebooks: INotebookTracker
  readonly consoles: IConsoleTracker | null
  readonly labShell: ILabShell | null
  readonly restorer: ILayoutRestorer | null
  readonly palette: ICommandPalette | null
  readonly statusBar: IStatusBar | null
  readonly trans: TranslationBundle
}

/** Side panel, status-bar item and commands over one list of jobs. */
export function addJobList(page: Page): void {
  const { app, notebooks, consoles, labShell, restorer, palette, statusBar, trans } = page
  const list = new JobList(new KernelPlaces({ services: app.serviceManager, notebooks, consoles }))

  const reveal = async ({ place, job }: PlacedJob) => {
    const panel =
      place.panel ??
      ((await app.commands.execute("docmanager:open", { path: place.path })) as NotebookPanel | undefined)
    // Notebook 7 opens it in a page of its own.
    if (panel === undefined) return
    app.shell.activateById(panel.id)
    if (notebooks.has(panel)) await revealJob(panel as NotebookPanel, job.id)
  }
  const side = new SidePanel(list, (job) => void reveal(job))
  side.id = "cellfan-jobs"
  side.title.icon = jobsIcon
  side.title.caption = trans.__("Jobs")
  app.shell.add(side, "left", { rank: 650, type: "Jobs" })
  restorer?.add(side, side.id)

  const show = () => {
    // Notebook 7 has side areas that are closed until asked for.
    if (labShell === null)
      void app.commands.execute("application:toggle-panel", { side: "left", id: side.id })
    else labShell.activateById(side.id)
  }
  app.commands.addCommand(showCommand, {
    label: trans.__("Show Jobs"),
    caption: trans.__("All jobs of all kernels, and the executors they run on"),
    icon: jobsIcon,
    describedBy: noArguments,
    execute: show,
  })
  app.commands.addCommand(cancelCommand, {
    label: trans.__("Cancel Running Jobs"),
    caption: trans.__("Cancels the running jobs of the current notebook"),
    describedBy: noArguments,
    isEnabled: () => runningHere().length > 0,
    execute: () => {
      for (const placed of runningHere()) list.send(placed, { type: "cancel", job: placed.job.id })
    },
  })
  const runningHere = () =>
    list.jobs.filter(
      ({ job, place }) =>
        job.endedAtMs === null && place.panel !== undefined && place.panel === notebooks.currentWidget,
    )
  list.observe(() => app.commands.notifyCommandChanged(cancelCommand))
  for (const command of [showCommand, cancelCommand]) palette?.addItem({ command, category: "cellfan" })

  statusBar?.registerStatusItem("cellfan:running", {
    item: new StatusItem(list, show, trans.__("Show Jobs")),
    align: "left",
    rank: 60,
  })
}
