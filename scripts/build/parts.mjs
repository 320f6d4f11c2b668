import { join } from "node:path"
import { alone } from "../util/lock.mjs"
import { dist } from "../util/paths.mjs"
import { step } from "../util/say.mjs"
import { hashOf, isDone, markDone } from "../util/stamp.mjs"
import { buildBundles, buildWorker } from "./bundles.mjs"
import { buildAgent, buildFunctions, functionNames } from "./functions.mjs"
import { buildLabextension } from "./labextension.mjs"
import { buildTypes } from "./types.mjs"
import { buildWidget } from "./widget.mjs"

/**
 * What `npm run build` makes in dist/, each part only where something it is made from has changed:
 * bundles.mjs (index.js, kernel.js, cli.js and the worker runtime), functions.mjs (what is deployed, and the agent), types.mjs (declarations), labextension.mjs, widget.mjs
 * (the grid for front ends without the extension).
 */

/** Folders that make up the library, without the kernel around it. */
const library = [
  "protocol",
  "util",
  "storage",
  "capture",
  "worker",
  "backends",
  "config",
  "executors",
  "errors.ts",
  "index.ts",
].map((name) => `kernel-ext/${name}`)

const parts = [
  {
    name: "kernel",
    title: "Bundle the kernel",
    inputs: ["kernel-ext", "package.json", "scripts/build"],
    outputs: ["index.js", "kernel.js", "cli.js"],
    build: buildBundles,
  },
  {
    name: "worker",
    title: "Bundle the worker runtimes",
    inputs: [...library, "scripts/build"],
    outputs: ["worker.cjs", "worker-watchdog.cjs", "worker-thread.cjs"],
    build: buildWorker,
  },
  {
    name: "functions",
    title: "Bundle what serverless functions run",
    inputs: [...library, "scripts/build"],
    outputs: functionNames.map((name) => `functions/${name}/index.mjs`),
    build: buildFunctions,
  },
  {
    name: "agent",
    title: "Bundle the agent of machines",
    inputs: [...library, "kernel-ext/cli/agent.ts", "scripts/build"],
    outputs: ["agent.mjs"],
    build: buildAgent,
  },
  {
    name: "types",
    title: "Write declarations",
    inputs: [...library, "tsconfig.json", "tsconfig.types.json", "scripts/build"],
    outputs: ["types/index.d.ts"],
    build: buildTypes,
  },
  {
    name: "labextension",
    title: "Build the JupyterLab extension",
    inputs: ["labextension", "kernel-ext/protocol", "install.json"],
    outputs: ["labextension/package.json"],
    build: buildLabextension,
  },
  {
    name: "widget",
    title: "Bundle the grid as a widget",
    inputs: ["labextension/src", "labextension/style", "kernel-ext/protocol", "scripts/build"],
    outputs: ["widget.js", "widget.css"],
    build: buildWidget,
  },
]

/** Builds what is out of date; resolves with the names of the parts that were built. One at a time in a clone. */
export function build() {
  return alone("build", buildDue)
}

async function buildDue() {
  const due = parts
    .map((part) => ({ ...part, hash: hashOf(["package-lock.json", ...part.inputs]) }))
    .filter(isOutOfDate)
  // A part that fails does not stop the others.
  const outcomes = await Promise.allSettled(due.map(buildPart))
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason
  return due.map((part) => part.name)
}

function buildPart(part) {
  return step(part.title, async () => {
    await part.build()
    markDone(part.name, part.hash)
  })
}

function isOutOfDate({ name, hash, outputs }) {
  return !isDone(
    name,
    hash,
    outputs.map((file) => join(dist, file)),
  )
}
