import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { root } from "../util/paths.mjs"
import { writeWhole } from "../util/stamp.mjs"

/**
 * The types of options, written out from their schemas: the compiler gives `z.input<typeof …>`, for which every
 * notebook would load zod's types, which take longer than all others. Descriptions become documentation on the way.
 *
 * @param file dist's config/schema.d.ts as the compiler wrote it, which is replaced.
 */
export async function writeOptionTypes(file) {
  const { optionsOf, ...schemas } = await load()
  const declared = readFileSync(file, "utf8")
  const types = [...declared.matchAll(/export type (\w+) = z\.(input|output)<typeof (\w+)>;/g)]
  const interfaces = types.map(([, name, side, schema]) => {
    const comment = docOf(declared, schema)
    return `${comment}export interface ${name} {\n${members(optionsOf(schemas[schema]), side)}}\n`
  })
  writeWhole(file, interfaces.join("\n"))
}

/** The comment before the schema's constant. */
function docOf(declared, schema) {
  const found = new RegExp(String.raw`(/\*\*[^/]*\*/\n)export declare const ${schema}\b`).exec(declared)
  return found?.[1] ?? ""
}

function members(options, side) {
  return options
    .map(({ key, type, description, required, default: byDefault }) => {
      const always = required || (side === "output" && byDefault !== undefined)
      const isPlain = byDefault !== undefined && typeof byDefault !== "object"
      const text = isPlain ? `${description} (default: ${byDefault})` : description
      const note = text === "" ? "" : `    /** ${text.replaceAll("*/", "*\\/")} */\n`
      return `${note}    ${key}${always ? "" : "?"}: ${type}${always ? "" : " | undefined"};\n`
    })
    .join("")
}

/** schema.ts and options.ts as they are. */
async function load() {
  const esbuild = createRequire(import.meta.url)("esbuild")
  const { outputFiles } = await esbuild.build({
    stdin: {
      contents: 'export * from "./schema.ts"; export { optionsOf } from "./options.ts"',
      resolveDir: join(root, "kernel-ext", "config"),
    },
    bundle: true,
    platform: "node",
    format: "esm",
    write: false,
  })
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`)
}
