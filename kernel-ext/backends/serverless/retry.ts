import type { BackendErrorKind } from "../../errors.ts"

/** What is done about an error of a call. */
export type Retry =
  /** The platform takes no more now: wait, and call again as often as it takes. */
  | "backOff"
  /** It may have been a bad moment: a few more tries. */
  | "again"
  /** Somebody has deleted the function since: make it anew, and call again. Nothing of the call has run. */
  | "redeploy"
  | "never"

export const retryOf: Readonly<Record<BackendErrorKind, Retry>> = {
  throttled: "backOff",
  network: "again",
  unavailable: "again",
  timeout: "never",
  "out-of-memory": "never",
  crashed: "again",
  init: "never",
  "too-large": "never",
  credentials: "never",
  "access-denied": "never",
  role: "never",
  region: "never",
  quota: "never",
  "not-found": "redeploy",
  setup: "never",
  other: "never",
}

/** Calls that may fail one after the other for reasons that pass. */
export const maxFailures = 8

/** Of these, calls whose answer broke off: that it happens again says that it is the tasks that end their instances. */
export const maxCrashes = 2

const longestPauseMs = 10_000

/** Before a call is made again that failed for the `failures`th time: longer each time, and not all at once. */
export function pauseMs(failures: number, firstPauseMs: number): number {
  return Math.min(longestPauseMs, firstPauseMs * 2 ** (failures - 1)) * (0.5 + Math.random() / 2)
}

/** What a service asks to wait, as far as it is heeded. */
export function heededMs(retryAfterMs: number | undefined): number {
  return Math.min(longestPauseMs, retryAfterMs ?? 0)
}
