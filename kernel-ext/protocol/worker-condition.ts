/**
 * What a worker, or a machine that workers run on, is up to. Pending: asked for and not there yet. Starting: there, and cannot
 * take tasks yet. Draining: ends what it runs and takes nothing more. Lost: not heard from any more. Failed: never came to run tasks.
 */
export const workerConditions = ["pending", "starting", "idle", "busy", "draining", "lost", "failed"] as const

export type WorkerCondition = (typeof workerConditions)[number]
