import { mkdirSync, readdirSync, rmSync } from "node:fs"
import { createRequire } from "node:module"
import { join } from "node:path"
import { dist } from "../util/paths.mjs"
import { writeWhole } from "../util/stamp.mjs"
import { banner, shared } from "./bundles.mjs"

/** What is deployed to serverless platforms: for each a folder that becomes its zip, object storage with its SDK included. */
const functions = {
  lambda: "kernel-ext/worker/entry/lambda.ts",
  container: "kernel-ext/worker/entry/container.ts",
  "gcp-functions": "kernel-ext/worker/entry/gcp-functions.ts",
  "container-loader": "kernel-ext/worker/entry/container-loader.ts",
  openwhisk: "kernel-ext/worker/entry/openwhisk.ts",
  "code-engine-function": "kernel-ext/worker/entry/code-engine-function.ts",
}

export const functionNames = Object.keys(functions)

export async function buildFunctions() {
  for (const [name, file] of Object.entries(functions))
    await buildFunction(join(dist, "functions", name), file)
}

async function buildFunction(folder, file) {
  const esbuild = createRequire(import.meta.url)("esbuild")
  const { outputFiles } = await esbuild.build({
    ...shared,
    entryPoints: { index: file },
    outdir: folder,
    // A module by its name: there is no package.json beside it.
    outExtension: { ".js": ".mjs" },
    // What few tasks need loads when they do.
    splitting: true,
    minify: true,
    banner,
  })
  mkdirSync(folder, { recursive: true })
  const current = new Set(outputFiles.map(({ path }) => path))
  for (const { path, contents } of outputFiles) writeWhole(path, contents)
  for (const old of readdirSync(folder)) if (!current.has(join(folder, old))) rmSync(join(folder, old))
}

/** The agent of machines: one file that bare Node runs, with the worker runtime and NATS' client in it. */
export async function buildAgent() {
  const esbuild = createRequire(import.meta.url)("esbuild")
  const { outputFiles } = await esbuild.build({
    ...shared,
    entryPoints: { agent: "kernel-ext/cli/agent.ts" },
    outdir: dist,
    outExtension: { ".js": ".mjs" },
    minify: true,
    banner,
  })
  for (const { path, contents } of outputFiles) writeWhole(path, contents)
}
