/**
 * cellfan: fan a function out to local processes, serverless functions or virtual machines.
 *
 * A map of the folders, each of which imports only what stands to its left:
 * protocol, util → errors → storage, capture, worker → backends → config → executors → kernel → cli.
 */
export * from "./errors.ts"
