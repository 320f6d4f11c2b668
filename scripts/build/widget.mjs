import { cpSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { dist, root } from "../util/paths.mjs"
import { writeWhole } from "../util/stamp.mjs"

/** The grid as an anywidget: one module and one style sheet, which the kernel sends to front ends without the extension. */
export async function buildWidget() {
  const esbuild = createRequire(import.meta.url)("esbuild")
  const { outputFiles } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: ["labextension/src/anywidget/main.ts"],
    outfile: join(dist, "widget.js"),
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    charset: "utf8",
    write: false,
    logLevel: "warning",
  })
  for (const { path, contents } of outputFiles) writeWhole(path, contents)
  cpSync(join(root, "labextension", "style", "index.css"), join(dist, "widget.css"))
}
