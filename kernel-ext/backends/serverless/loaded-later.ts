import type { PlatformFacts } from "./known-platform.ts"
import type { Platform } from "./platform.ts"

/** A platform whose code is loaded when it is opened: `import "cellfan"` reads none of it. */
export function loadedLater(facts: PlatformFacts, load: () => Promise<Platform>): Platform {
  let loaded: Platform | undefined
  const platform = () => loaded as Platform
  return {
    ...facts,
    async open() {
      loaded ??= await load()
      return loaded.open()
    },
    deploy: (size, around) => platform().deploy(size, around),
    list: () => platform().list(),
    remove: (name) => platform().remove(name),
    costUsd: (billedMs, size) => platform().costUsd(billedMs, size),
    close: () => loaded?.close(),
  }
}
