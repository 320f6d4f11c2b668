import type { ILabShell, ILayoutRestorer, JupyterFrontEnd } from "@jupyterlab/application"
import type { ICommandPalette } from "@jupyterlab/apputils"
import type { INotebookTracker } from "@jupyterlab/notebook"
import type { IStatusBar } from "@jupyterlab/statusbar"
import type { TranslationBundle } from "@jupyterlab/translation"
import { jobsIcon } from "./icon.ts"
import { JobList, type PlacedJob } from "./job-list.ts"
import { revealJob } from "./reveal.ts"
import { SidePanel } from "./side-panel.ts"
import { StatusItem } from "./status-item.ts"

export const showCommand = "cellfan:show-jobs"
export const cancelCommand = "cellfan:cancel-jobs"

const noArguments = { args: { type: "object", properties: {} } } as const

interface Page {
  readonly app: JupyterFrontEnd
  readonly notebooks: INotebookTracker
  readonly labShell: ILabShell | null
  readonly restorer: ILayoutRestorer | null
  readonly palette: ICommandPalette | null
  readonly statusBar: IStatusBar | null
  readonly trans: TranslationBundle
}

/** Side panel, status-bar item and commands over one list of jobs. */
export function addJobList({ app, notebooks, labShell, restorer, palette, statusBar, trans }: Page): void {
  const list = new JobList()
  notebooks.forEach((panel) => {
    list.add(panel)
  })
  notebooks.widgetAdded.connect((_, panel) => list.add(panel))

  const reveal = ({ panel, job }: PlacedJob) => {
    app.shell.activateById(panel.id)
    revealJob(panel, job.id)
  }
  const side = new SidePanel(list, reveal)
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
    caption: trans.__("All jobs of the notebooks that are open"),
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
    list.jobs.filter(({ job, panel }) => job.endedAtMs === null && panel === notebooks.currentWidget)
  list.observe(() => app.commands.notifyCommandChanged(cancelCommand))
  for (const command of [showCommand, cancelCommand]) palette?.addItem({ command, category: "cellfan" })

  statusBar?.registerStatusItem("cellfan:running", {
    item: new StatusItem(list, show, trans.__("Show Jobs")),
    align: "left",
    rank: 60,
  })
}
