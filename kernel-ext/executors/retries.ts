import type { TaskEnd } from "../backends/backend.ts"
import type { ResolvedJobOptions } from "../config/schema.ts"

/** What happens to a task that ended without a result. */
export type Verdict =
  /** It runs again, apart from others: it may have killed its worker. */
  | { readonly next: "apart" }
  /** It runs again after a wait. */
  | { readonly next: "again"; readonly delayMs: number }
  | { readonly next: "fail" }

const longestBackoffMs = 60_000

/**
 * @param attempt The attempt that ended, from 1.
 * @param losses How many workers died under the task, this one included.
 */
export function verdictOn(
  end: TaskEnd["kind"],
  attempt: number,
  losses: number,
  options: Pick<ResolvedJobOptions, "retries" | "lostRetries" | "backoffMs">,
): Verdict {
  const { retries, lostRetries, backoffMs } = options
  // Attempts that a dying worker took count as lost ones only.
  if (end === "lost") return losses <= Math.max(lostRetries, retries) ? { next: "apart" } : { next: "fail" }
  if (attempt - losses > retries) return { next: "fail" }
  return { next: "again", delayMs: Math.min(backoffMs * 2 ** (attempt - 1), longestBackoffMs) }
}
