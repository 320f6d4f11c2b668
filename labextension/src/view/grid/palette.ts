import { type TaskState, taskStates } from "../../../../kernel-ext/protocol/task.ts"

/** The colours of the states as the style sheet has them for the theme in force. */
export interface Palette {
  /** CSS colours by state code. */
  readonly colors: readonly string[]
  /** The same as pixels of an ImageData, and nearly faded into the background for what a filter leaves out. */
  readonly pixels: Uint32Array
  readonly fadedPixels: Uint32Array
  readonly background: string
  readonly focus: string
  /** Drawn on a square: the cross of what failed. */
  readonly ink: string
}

export function readPalette(node: HTMLElement): Palette {
  const style = getComputedStyle(node)
  const color = (name: string) => style.getPropertyValue(`--cellfan-${name}`).trim() || "#888"
  const colors = taskStates.map((state: TaskState) => color(state))
  const rgba = toRgba([...colors, color("background")])
  const background = rgba.at(-1) ?? [255, 255, 255, 255]
  const pixels = new Uint32Array(256)
  const fadedPixels = new Uint32Array(256)
  taskStates.forEach((_, code) => {
    const own = rgba[code] ?? background
    pixels[code] = pixel(own)
    fadedPixels[code] = pixel(own.map((part, i) => part * 0.16 + (background[i] ?? 255) * 0.84))
  })
  return {
    colors,
    pixels,
    fadedPixels,
    background: color("background"),
    focus: color("focus"),
    ink: color("ink"),
  }
}

/** Any CSS colour as numbers: the canvas knows them all, so it is asked. */
function toRgba(colors: readonly string[]): number[][] {
  const canvas = document.createElement("canvas")
  canvas.width = colors.length
  canvas.height = 1
  const context = canvas.getContext("2d", { willReadFrequently: true })
  if (context === null) return colors.map(() => [136, 136, 136, 255])
  colors.forEach((color, x) => {
    context.fillStyle = color
    context.fillRect(x, 0, 1, 1)
  })
  const { data } = context.getImageData(0, 0, colors.length, 1)
  return colors.map((_, x) => [...data.subarray(x * 4, x * 4 + 4)])
}

function pixel([red = 0, green = 0, blue = 0, alpha = 255]: readonly number[]): number {
  return (
    ((Math.round(alpha) << 24) | (Math.round(blue) << 16) | (Math.round(green) << 8) | Math.round(red)) >>> 0
  )
}

/** Calls `listener` when the theme may have changed: JupyterLab's, the system's, or forced colours. */
export function onThemeChange(listener: () => void): () => void {
  let later: ReturnType<typeof setTimeout> | undefined
  // JupyterLab names the theme before its style sheet has arrived: look again a little later.
  const changed = () => {
    listener()
    clearTimeout(later)
    later = setTimeout(listener, 400)
  }
  const observer = new MutationObserver(changed)
  observer.observe(document.body, {
    attributes: true,
    attributeFilter: ["data-jp-theme-name", "data-jp-theme-light"],
  })
  const queries = ["(prefers-color-scheme: dark)", "(forced-colors: active)"].map((query) =>
    matchMedia(query),
  )
  for (const query of queries) query.addEventListener("change", changed)
  return () => {
    clearTimeout(later)
    observer.disconnect()
    for (const query of queries) query.removeEventListener("change", changed)
  }
}
