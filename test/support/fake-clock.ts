import { readdirSync } from "node:fs"
import { join } from "node:path"

/** A clock of one's own for a program, by libfaketime: nothing but what the program takes for the time of day is other. */
export const fakeClock = {
  what: "libfaketime (apt-get install libfaketime)",
  /** Gives the environment of a program whose clock is ahead by so many minutes. Linux. */
  find(): ((minutes: number) => NodeJS.ProcessEnv) | undefined {
    const library = libraryIn("/usr/lib")
    if (library === undefined) return undefined
    return (minutes) => ({
      LD_PRELOAD: library,
      FAKETIME: `${minutes < 0 ? "" : "+"}${60 * minutes}s`,
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    })
  },
}

function libraryIn(folder: string): string | undefined {
  if (process.platform !== "linux") return undefined
  for (const name of readdirSync(folder)) {
    const place = join(folder, name, "faketime")
    try {
      if (readdirSync(place).includes("libfaketime.so.1")) return join(place, "libfaketime.so.1")
    } catch {
      // It is not in this one.
    }
  }
  return undefined
}
