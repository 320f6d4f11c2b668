/**
 * Name of a variable that tells, in any function of a cell, what is to be evaluated there before the function is ended
 * without its `finally`.
 */
export const KEPT = "__kept"
