import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"

export interface WidgetFiles {
  readonly code: string
  readonly css: string
}

let files: WidgetFiles | undefined

/** The built widget: beside the bundle this runs from, or in dist/ of the clone when it runs from source. */
export function widgetFiles(): WidgetFiles {
  files ??= { code: read("widget.js"), css: read("widget.css") }
  return files
}

function read(name: string): string {
  const here = import.meta.url
  const folder = here.endsWith(".ts") ? "../../../dist/" : here.includes("/chunks/") ? "../" : "./"
  return readFileSync(fileURLToPath(new URL(folder + name, here)), "utf8")
}
