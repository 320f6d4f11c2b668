/** What the reader chose, for all views of the page. */
export interface Preferences {
  /** How much of a job stands under its cell. */
  readonly show: "grid" | "bar" | "none"
  /** "safe": apart for colour-blind eyes. "theme": the theme's own colours for success, error, … */
  readonly palette: "safe" | "theme"
  /** Least time between two paints. */
  readonly refreshMs: number
}

const listeners = new Set<() => void>()
let current: Preferences = { show: "grid", palette: "safe", refreshMs: 100 }

export const preferences = {
  get current(): Preferences {
    return current
  },
  set(chosen: Preferences): void {
    current = chosen
    for (const listener of listeners) listener()
  },
  observe(listener: () => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
}
