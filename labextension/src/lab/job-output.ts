import type { IRenderMime } from "@jupyterlab/rendermime-interfaces"
import type { ReadonlyPartialJSONObject } from "@lumino/coreutils"
import { Panel, Widget } from "@lumino/widgets"
import {
  jobMime,
  parseSavedJob,
  type SavedJob,
  type ViewMessage,
} from "../../../kernel-ext/protocol/job-view.ts"
import type { JobModel } from "../model/job-model.ts"
import { type JobHost, JobView } from "../view/job-view.ts"
import type { JobHub } from "./job-hub.ts"
import type { Keeper, Keepers } from "./keepers.ts"

export interface OutputHost extends JobHost {
  readonly hub: JobHub
  /** A running job is on show: what the notebook has on disk does not know of it yet. */
  readonly runningShown?: (job: JobModel, keeper: Keeper) => void
  /** Where outputs are saved. */
  readonly keepers?: Keepers
}

interface Shown {
  readonly id: string
  readonly model: JobModel
  readonly view: JobView
  readonly stop: () => void
}

/** Renders `application/vnd.cellfan.job+json`. A Panel, because JupyterLab attaches it only after `renderModel`. */
export class JobOutput extends Panel implements IRenderMime.IRenderer {
  readonly #host: OutputHost
  #shown: Shown | undefined

  constructor(host: OutputHost) {
    super()
    this.addClass("cellfan-Output")
    this.#host = host
  }

  async renderModel(output: IRenderMime.IMimeModel): Promise<void> {
    const saved = parseSavedJob(output.data[jobMime])
    if (saved === undefined) {
      this.#clear()
      this.node.textContent = String(
        output.data["text/plain"] ?? "This job was saved by another version of cellfan.",
      )
      return
    }
    if (this.#shown?.id === saved.id) this.#shown.model.showSaved(saved)
    else this.#show(saved, output)
  }

  override dispose(): void {
    this.#clear()
    super.dispose()
  }

  #show(saved: SavedJob, output: IRenderMime.IMimeModel): void {
    this.#clear()
    const { hub, keepers } = this.#host
    const keeper = keepers?.take(saved.id)
    const model = hub.acquire(saved)
    const view = new JobView(model, this.#host)
    let told = false
    const stop = model.observe((change) => {
      if (keeper === undefined) return
      if (change.kind === "picture" && keeper.isOurs) keepPicture(output, change.bundle)
      if (told || model.liveness !== "live" || model.summary.endedAtMs !== null) return
      told = true
      this.#host.runningShown?.(model, keeper)
    })
    this.#shown = { id: saved.id, model, view, stop }
    this.addWidget(new Widget({ node: view.node }))
  }

  #clear(): void {
    if (this.#shown === undefined) return
    this.#shown.stop()
    this.#shown.view.dispose()
    this.#host.hub.release(this.#shown.id)
    this.#host.keepers?.giveBack(this.#shown.id)
    this.#shown = undefined
    for (const widget of [...this.widgets]) widget.dispose()
    this.node.textContent = ""
  }
}

/** After a reload the kernel's own updates no longer reach this output: what is to be saved is set from here. */
function keepPicture(
  output: IRenderMime.IMimeModel,
  { data, metadata }: Extract<ViewMessage, { type: "picture" }>,
): void {
  const before = parseSavedJob(output.data[jobMime])
  const now = parseSavedJob(data[jobMime])
  const isNews = before?.id !== now?.id || (before?.savedAtMs ?? 0) < (now?.savedAtMs ?? 0)
  // The last picture comes twice, the second time with a PNG.
  const hasMore = Object.keys(data).some((type) => !(type in output.data))
  if (now === undefined || !(isNews || hasMore)) return
  output.setData({
    data: { ...output.data, ...(data as ReadonlyPartialJSONObject) },
    metadata: { ...output.metadata, ...(metadata as ReadonlyPartialJSONObject) },
  })
}
