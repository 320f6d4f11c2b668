import { basename } from "node:path"
import { parseArgs } from "node:util"
import { Storage } from "../config/storage.ts"

/** `cellfan storage …`: the objects of the configured storage, or of the one that is named. */

const options = {
  backend: { type: "string" },
  bucket: { type: "string" },
  prefix: { type: "string" },
} as const

export async function storage(args: string[], say: (text: string) => void): Promise<number> {
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true })
  const { prefix, ...place } = values
  const [what, ...names] = positionals
  const [first, second, ...more] = names
  const objects = new Storage(place)
  if (what === "list" && names.length <= 1 && prefix === undefined) {
    for await (const { key, sizeBytes, modifiedAtMs } of objects.list(first))
      say(`${String(sizeBytes).padStart(14)}  ${new Date(modifiedAtMs).toISOString()}  ${key}`)
  } else if (what === "get" && first !== undefined && more.length === 0 && prefix === undefined) {
    const file = second ?? basename(first)
    await objects.download(first, file)
    say(`Wrote ${file}.`)
  } else if (what === "put" && first !== undefined && more.length === 0 && prefix === undefined) {
    const { bucket, key } = await objects.upload(first, second ?? basename(first))
    say(`Put ${key} into ${bucket}.`)
  } else if (what === "delete" && prefix !== undefined && names.length === 0) {
    await objects.delete({ prefix })
    say(`Deleted all that begins with ${prefix}.`)
  } else if (what === "delete" && prefix === undefined && names.length > 0) {
    await objects.delete(names)
    say(`Deleted ${names.join(", ")}.`)
  } else
    throw new Error(
      "cellfan storage takes list with a prefix or nothing, get with a key and a file, put with a file and a key, " +
        `delete with keys or --prefix; but got ${args.join(" ") || "nothing"}.`,
    )
  return 0
}
