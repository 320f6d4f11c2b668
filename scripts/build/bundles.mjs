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

/** Loaded when a provider is first used, from wherever the user has them. */
const sdks = [
  "@aws-sdk/*",
  "@google-cloud/functions",
  "@kubernetes/client-node",
  "google-auth-library",
  "openwhisk",
  "ssh2",
]

/** What the kernel's bundle loads as packages. */
export const keptPackages = [...external, ...sdks]

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
export const banner = {
  js: [
    'import { createRequire as cellfanRequire } from "node:module"',
    "const require = cellfanRequire(import.meta.url)",
    'const __dirname = require("node:path").dirname(require("node:url").fileURLToPath(import.meta.url))',
  ].join("\n"),
}

export const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: "node",
  target: "node20.19",
  format: "esm",
  write: false,
  logLevel: "warning",
}

const chunks = "chunks"

/** A running kernel may still load a chunk of the build before; younger ones than this are kept. */
const KEEP_OLD_CHUNKS_MS = 60 * 60 * 1000

export async function buildBundles() {
  const esbuild = createRequire(import.meta.url)("esbuild")
  const { outputFiles } = await esbuild.build({
    ...shared,
    entryPoints: entries,
    outdir: dist,
    splitting: true,
    chunkNames: `${chunks}/[name]-[hash]`,
    external: keptPackages,
    plugins: [tslabAsModule],
    alias: { [tslabsTypeScript.name]: join(root, tslabsTypeScript.file) },
    banner,
  })
  write(outputFiles)
  removeOldChunks(chunks, new Set(outputFiles.map((file) => file.path)))
}

/** What workers load; the watchdog is the second thread of each worker process. */
const workerEntries = {
  worker: "kernel-ext/worker/entry/localhost.ts",
  "worker-watchdog": "kernel-ext/worker/entry/localhost-watchdog.ts",
  "worker-thread": "kernel-ext/worker/entry/localhost-thread.ts",
}

/**
 * The runtimes that workers load: one file each, because every worker reads its own at its start, and CommonJS, as Node's loader of
 * modules takes a tenth of the time that a worker needs. What tasks rarely need, object storage above all, is evaluated when
 * first used.
 */
export async function buildWorker() {
  const esbuild = createRequire(import.meta.url)("esbuild")
  const { outputFiles } = await esbuild.build({
    ...shared,
    entryPoints: workerEntries,
    outdir: dist,
    format: "cjs",
    outExtension: { ".js": ".cjs" },
    external: sdks,
    minify: true,
    define: { "import.meta.url": "cellfanUrl" },
    banner: { js: '"use strict";const cellfanUrl = require("node:url").pathToFileURL(__filename).href' },
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

function removeOldChunks(name, current) {
  const folder = join(dist, name)
  mkdirSync(folder, { recursive: true })
  for (const file of readdirSync(folder)) {
    const path = join(folder, file)
    if (!current.has(path) && Date.now() - statSync(path).mtimeMs > KEEP_OLD_CHUNKS_MS)
      rmSync(path, { force: true })
  }
}
