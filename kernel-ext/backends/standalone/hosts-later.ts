import type { HostProvider } from "./hosts.ts"

/** A provider that can run the queue's server, too. */
export type HeadedProvider = HostProvider & Required<Pick<HostProvider, "head">>

/** Machines whose code is loaded when they are first needed: `import "cellfan"` reads none of it. */
export function hostsLater(name: string, load: () => Promise<HeadedProvider>): HeadedProvider {
  let loading: Promise<HeadedProvider> | undefined
  let loaded: HeadedProvider | undefined
  const provider = async () => {
    loading ??= load()
    loaded = await loading
    return loaded
  }
  return {
    name,
    get hosts() {
      return loaded?.hosts ?? []
    },
    start: async (...told) => (await provider()).start(...told),
    head: async (...told) => (await provider()).head(...told),
    clean: async (scope) => (await provider()).clean(scope),
    close: async () => {
      if (loading !== undefined) await (await provider()).close()
    },
  }
}
