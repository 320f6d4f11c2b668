import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { brotliDecompressSync } from "node:zlib"

/**
 * Starts the worker in a container that has nothing but Node.js: this text is its command (`node --eval`), and the worker's files
 * come with it, packed: in the file that CELLFAN_WORKER_FILE names, or in the variables CELLFAN_WORKER_0, CELLFAN_WORKER_1, ….
 */

const { env } = process
const packed: string[] = []
if (env.CELLFAN_WORKER_FILE !== undefined) packed.push(readFileSync(env.CELLFAN_WORKER_FILE, "utf8"))
for (let at = 0; env[`CELLFAN_WORKER_${at}`] !== undefined; at++) {
  packed.push(env[`CELLFAN_WORKER_${at}`] as string)
  delete env[`CELLFAN_WORKER_${at}`]
}

const folder = join(tmpdir(), `cellfan-worker-${process.pid}`)
mkdirSync(folder, { recursive: true })
const files: Record<string, string> = JSON.parse(
  brotliDecompressSync(Buffer.from(packed.join(""), "base64")).toString("utf8"),
)
for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
await import(pathToFileURL(join(folder, "index.mjs")).href)
