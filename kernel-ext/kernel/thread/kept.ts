/** What the helper thread asks the main thread by the inspector, which has only names to reach things by. */

/** Name of a global function that tells whether what calls it belongs to an interrupted cell. */
export const IS_INTERRUPTED = "$cellfanInterrupted"

/**
 * Name of a variable that tells, in any function of a cell, what is to be evaluated there before the function is ended
 * without its `finally`.
 */
export const KEPT = "__kept"
