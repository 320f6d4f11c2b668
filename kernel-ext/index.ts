/// <reference types="node" preserve="true" />

/**
 * cellfan: fan a function out to local processes, serverless functions or virtual machines.
 *
 * A map of the folders, each of which imports only what stands to its left:
 * protocol, util → errors → storage, capture, worker → backends → config → executors → kernel → cli.
 */
export { broadcast } from "./capture/broadcast.ts"
export { perWorker } from "./capture/per-worker.ts"
export { Storage, type StorageOptions, storage } from "./config/storage.ts"
export * from "./errors.ts"
export { attach } from "./executors/attach.ts"
export type { MapOptions, MapReduceOptions, ReduceFunction, TaskFunction } from "./executors/calls.ts"
export { Executor } from "./executors/executor.ts"
export { FunctionExecutor } from "./executors/function-executor.ts"
export type { Inputs } from "./executors/inputs.ts"
export { Job } from "./executors/job.ts"
export { LocalhostExecutor, nestedExecutor } from "./executors/localhost.ts"
export type { LogEntry } from "./executors/logs.ts"
export type { JobManifest } from "./executors/manifest.ts"
export { MapReduce } from "./executors/map-reduce.ts"
export { type JobView, onJob, type TaskDescription, type TaskHere } from "./executors/observe.ts"
export { Picture, type PlotKind } from "./executors/plot.ts"
export { ServerlessExecutor } from "./executors/serverless.ts"
export type { Sourced } from "./executors/sources.ts"
export { StandaloneExecutor } from "./executors/standalone.ts"
export type { JobStats, Spread } from "./executors/stats.ts"
export { TaskFuture, type TaskList } from "./executors/task.ts"
export { taskHere } from "./executors/task-here.ts"
export type { TaskStats } from "./executors/task-stats.ts"
export type { ResultOf, Waitable, Waited, WaitOptions } from "./executors/wait.ts"
export type { TaskContext } from "./protocol/context.ts"
export type {
  ByteRange,
  ObjectBody,
  ObjectInfo,
  ObjectPartition,
  ObjectReference,
  ObjectStorage,
  PartitionOptions,
} from "./protocol/storage.ts"
export type { TaskState } from "./protocol/task.ts"
export { CloudObject } from "./storage/cloud-object.ts"
export { randomFor } from "./worker/random.ts"
