/** `npm run build`: types checked and emitted by tsc, then federated by JupyterLab's builder into ../dist/labextension. */
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const here = dirname(dirname(fileURLToPath(import.meta.url)))
const require = createRequire(import.meta.url)
const output = join(here, "..", "dist", "labextension", "package.json")
const stamp = join(here, "lib", "built-from")
const inputs = ["package.json", "tsconfig.json", "src", "style", "scripts", "../kernel-ext/protocol"]

const hash = createHash("sha256")
for (const input of inputs) add(join(here, input))
const now = hash.digest("hex")

if (existsSync(output) && existsSync(stamp) && readFileSync(stamp, "utf8") === now) {
  console.log("The extension is up to date.")
} else {
  mkdirSync(dirname(dirname(output)), { recursive: true })
  run(packageFile("typescript", "bin/tsc"), ["-p", here])
  run(packageFile("@jupyter/builder", "lib/build-labextension.js"), [
    "--core-package-file",
    packageFile("@jupyterlab/core-meta", "core.package.json"),
    here,
  ])
  writeFileSync(stamp, now)
}

/** Adds a file's or folder's path and contents to the hash. */
function add(path) {
  const entries = entriesOf(path)
  if (entries === undefined) hash.update(`${path}\0`).update(readFileSync(path)).update("\0")
  else for (const entry of entries.sort()) add(join(path, entry))
}

function entriesOf(path) {
  try {
    return readdirSync(path)
  } catch (error) {
    if (error.code === "ENOTDIR") return undefined
    throw error
  }
}

function packageFile(name, path) {
  for (const folder of require.resolve.paths(name)) {
    const file = join(folder, name, path)
    if (existsSync(file)) return file
  }
  throw new Error(`${name} is not installed: run \`npm ci\` in the repository's folder`)
}

function run(script, args) {
  const { status } = spawnSync(process.execPath, [script, ...args], { stdio: "inherit", cwd: here })
  if (status !== 0) process.exit(status ?? 1)
}
