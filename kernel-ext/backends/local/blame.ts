import type { LocalRun } from "./local-run.ts"

/**
 * Settles the batch that was at work when its worker died: the task that it died of has ended, all others go back. Where
 * it is not known which one that was, all that may have begun are suspect.
 *
 * @param position of the task that ran, if the worker has said so.
 */
export function blame(run: LocalRun, position: number | undefined, worker: string, reason: string): void {
  const first = run.reported
  const offset = position === undefined ? (run.limit - first === 1 ? first : undefined) : position - run.base
  if (offset === undefined) {
    run.cut(first, true)
    return
  }
  if (offset < first || offset >= run.limit) return
  run.cut(offset + 1)
  if (!run.isDropped(offset)) run.events.ended(run.indexAt(offset), { kind: "lost", worker, reason })
  run.limit = offset
}
