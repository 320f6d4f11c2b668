import { parseViewCommand, type ViewCommand, type ViewOpen } from "../../protocol/job-view.ts"
import type { Comm } from "../types.ts"
import { taskDetails } from "./bundle.ts"
import { cleanUp } from "./executors.ts"
import type { JobFeed, Send } from "./feed.ts"
import type { Jobs } from "./jobs.ts"
import { taskCell } from "./task-cell.ts"
import { watchTask } from "./task-watch.ts"
import { sendTimes } from "./times.ts"

/** One view at the other end of a comm: what it asks, and what it gets. */

export function serveView(comm: Comm, open: ViewOpen, jobs: Jobs): void {
  const send: Send = (message, buffers) => comm.send(message, buffers)
  if ("all" in open) serveList(comm, jobs, send)
  else serveJob(comm, jobs.get(open.job)?.feed, send)
}

function serveList(comm: Comm, jobs: Jobs, send: Send): void {
  comm.onMessage((data) => {
    const command = parseViewCommand(data)
    if (command?.type === "resync") jobs.watchAll(send)
    else if (command?.type === "cancel" && command.job !== undefined) jobs.get(command.job)?.feed.job.cancel()
    else if (command?.type === "retry" && command.job !== undefined) jobs.get(command.job)?.feed.job.retry()
    else if (command?.type === "clean") void cleanUp(command.executor, () => jobs.tellAll())
  })
  comm.onClose(() => jobs.unwatchAll(send))
  jobs.watchAll(send)
}

function serveJob(comm: Comm, feed: JobFeed | undefined, send: Send): void {
  if (feed === undefined) {
    send({ type: "unknown" })
    return
  }
  // Most views never ask for what takes long enough to be stopped.
  let ended: AbortController | undefined
  const signal = () => {
    ended ??= new AbortController()
    return ended.signal
  }
  let stopWatching = () => {}
  const watch = (index: number | null) => {
    stopWatching()
    stopWatching = index === null ? () => {} : watchTask(feed.job, index, send)
  }
  comm.onMessage((data) => {
    const command = parseViewCommand(data)
    if (command !== undefined) obey(command, feed, send, watch, signal)
  })
  comm.onClose(() => {
    ended?.abort()
    stopWatching()
    feed.unwatch(send)
  })
  feed.watch(send)
}

function obey(
  command: ViewCommand,
  feed: JobFeed,
  send: Send,
  watch: (index: number | null) => void,
  signal: () => AbortSignal,
): void {
  switch (command.type) {
    case "resync":
      feed.watch(send)
      break
    case "received":
      feed.received(send, command.sequence)
      break
    case "cancel":
      feed.job.cancel(command.indices)
      break
    case "retry":
      feed.job.retry(command.indices)
      break
    case "watch":
      watch(command.index)
      break
    case "peek": {
      const task = feed.job.describe(command.index)
      if (task !== undefined) send({ type: "task", watched: false, task: taskDetails(task) })
      break
    }
    case "times":
      void sendTimes(feed.job, send, signal())
      break
    case "cell":
      send({ type: "cell", code: taskCell(feed.job, command.index) })
      break
    case "clean":
      break
    default:
      command satisfies never
  }
}
