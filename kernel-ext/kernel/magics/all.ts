import { configMagics } from "./config.ts"
import { executorListMagics } from "./executor-list.ts"
import { executorMagics } from "./executors.ts"
import { helpMagics } from "./help.ts"
import { jobMagics } from "./jobs.ts"
import type { Magic } from "./magic.ts"
import { sessionMagics } from "./session.ts"
import { timeMagics } from "./time.ts"

/** Every magic by its name, in the order in which help lists them. */
export const allMagics: ReadonlyMap<string, Magic> = new Map(
  [
    ...executorMagics,
    ...executorListMagics,
    ...jobMagics,
    ...configMagics,
    ...timeMagics,
    ...sessionMagics,
    ...helpMagics,
  ].map((magic) => [magic.name, magic]),
)
