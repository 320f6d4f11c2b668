import type { NotebookPanel } from "@jupyterlab/notebook"
import { JobHub } from "./job-hub.ts"

const hubs = new WeakMap<NotebookPanel, JobHub>()

/** A notebook's jobs: its outputs and the side panel share their models. */
export function hubOf(panel: NotebookPanel): JobHub {
  const known = hubs.get(panel)
  if (known !== undefined) return known
  const hub = new JobHub(panel.sessionContext)
  hubs.set(panel, hub)
  return hub
}
