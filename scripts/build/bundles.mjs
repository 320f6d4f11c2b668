import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { join, relative } from "node:path"
import { dist, root } from "../util/paths.mjs"
import { writeWhole } from "../util/stamp.mjs"

/**
 * The JavaScript of the library, the kernel and the command line. They are split into shared chunks, so that whoever
 * loads two of them in one process has one copy of every class and every listener list.
 */
const entries = {
  index: "kernel-ext/index.ts",
  kernel: "kernel-ext/kernel/main.ts",
  cli: "kernel-ext/cli.ts",
}

/** Stays a package: native code, a compiler that reads files beside itself, or both. */
const external = ["typescript", "zeromq", "esbuild"]

/** Stands in for tslab's own fork of TypeScript, which tslab requires by this name. */
const tslabsTypeScript = {
  name: "@tslab/typescript-for-tslab",
  file: "kernel-ext/kernel/cells/typescript.cjs",
}

/**
 * tslab has variables called `await`, which a module may not. Shorter names for all variables of its files are others.
 */
const tslabAsModule = {
  name: "tslab-as-module",
  setup({ onLoad, esbuild }) {
    onLoad({ filter: /[\\/]tslab[\\/]dist[\\/]\w+\.js$/ }, async ({ path }) => {
      const { code } = await esbuild.transform(await readFile(path, "utf8"), {
        minifyIdentifiers: true,
        target: shared.target,
      })
      return { contents: code }
    })
  },
}

/** Bundled CommonJS calls `require` and reads `__dirname`; in a module there is neither unless we make them. */
const banner = {
  js: [
    'import { createRequire as cellfanRequire } from "node:module"',
    "const require = cellfanRequire(import.meta.url)",
    'const __dirname = require("node:path").dirname(require("node:url").fileURLToPath(import.meta.url))',
  ].join("\n"),
}

const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20.19",
  format: "esm",
  write: false,
  logLevel: "warning",
}

/** A running kernel may still load a chunk of the build before; younger ones than this are kept. */
const KEEP_OLD_CHUNKS_MS = 60 * 60 * 1000

export async function buildBundles() {
  const esbuild = createRequire(import.meta.url)("esbuild")
  const { outputFiles } = await esbuild.build({
    ...shared,
    entryPoints: entries,
    outdir: dist,
    splitting: true,
    chunkNames: "chunks/[name]-[hash]",
    external,
    plugins: [tslabAsModule],
    alias: { [tslabsTypeScript.name]: join(root, tslabsTypeScript.file) },
    banner,
  })
  write(outputFiles)
  removeOldChunks(new Set(outputFiles.map((file) => file.path)))
}

/** The runtimes that workers load: alone and small, because every worker reads its own at its start. */
export async function buildWorker() {
  const esbuild = createRequire(import.meta.url)("esbuild")
  const { outputFiles } = await esbuild.build({
    ...shared,
    entryPoints: {
      worker: "kernel-ext/worker/entry/localhost.ts",
      "worker-thread": "kernel-ext/worker/entry/localhost-thread.ts",
    },
    outdir: dist,
    minify: true,
    banner,
  })
  write(outputFiles)
}

function write(files) {
  // Chunks before the entries that name them.
  const order = [...files].sort((a, b) => Number(isEntry(a.path)) - Number(isEntry(b.path)))
  for (const file of order) writeWhole(file.path, file.contents)
}

function isEntry(path) {
  return !relative(dist, path).includes("chunks")
}

function removeOldChunks(current) {
  const folder = join(dist, "chunks")
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(folder)) {
    const path = join(folder, name)
    if (!current.has(path) && Date.now() - statSync(path).mtimeMs > KEEP_OLD_CHUNKS_MS)
      rmSync(path, { force: true })
  }
}
