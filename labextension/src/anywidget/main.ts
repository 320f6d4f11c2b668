import { parseSavedJob, parseViewMessage } from "../../../kernel-ext/protocol/job-view.ts"
import { toBytes } from "../model/bytes.ts"
import { JobModel } from "../model/job-model.ts"
import { JobView } from "../view/job-view.ts"

/**
 * The same view of a job for front ends that have anywidget in place of our extension: VS Code above all. The kernel
 * sends this file, as one string, with the widget's state; commands and messages travel as the widget's custom messages.
 */

/** What anywidget hands to a widget's module: https://anywidget.dev/en/afm/. */
interface WidgetModel {
  get(key: string): unknown
  on(event: string, listener: (...args: never[]) => void): void
  off(event: string, listener: (...args: never[]) => void): void
  send(content: unknown): void
}

interface WidgetContext {
  readonly model: WidgetModel
  readonly el: HTMLElement
}

export default {
  /** Tells the kernel that widgets of this kind run here. */
  initialize({ model }: WidgetContext): void {
    if (model.get("probe") === true) model.send({ type: "here" })
  },

  render({ model, el }: WidgetContext): (() => void) | undefined {
    const saved = parseSavedJob(model.get("job"))
    if (saved === undefined) return undefined
    const job = new JobModel(saved)
    const view = new JobView(job, { takeCell: (code) => void navigator.clipboard.writeText(code) })
    const receive = (content: unknown, buffers: readonly ArrayBufferView[] = []) => {
      const message = parseViewMessage(content)
      if (message !== undefined) job.receive(message, buffers.map(toBytes))
    }
    const lost = () => job.disconnect("gone")
    model.on("msg:custom", receive)
    model.on("comm_live_update", lost)
    job.connect((command) => model.send(command))
    el.append(view.node)
    job.send({ type: "resync" })
    return () => {
      model.off("msg:custom", receive)
      model.off("comm_live_update", lost)
      view.dispose()
    }
  },
}
