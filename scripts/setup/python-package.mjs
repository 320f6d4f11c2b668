import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { root, venv } from "../util/paths.mjs"
import { writeWhole } from "../util/stamp.mjs"

/**
 * Makes what the wheel adds to Python (parameters of papermill) known to this clone's own environment, as an editable
 * installation would: a path to python/, and a note of the entry points. pip would want a build backend from the network.
 */
export function registerPythonPackage() {
  const packages = sitePackages()
  const project = readFileSync(join(root, "pyproject.toml"), "utf8")
  const [, version] = /^version = "(.*)"$/m.exec(project)
  const note = join(packages, `cellfan-${version}.dist-info`)
  // Somebody installed the wheel here.
  if (existsSync(note) && !existsSync(join(note, "CLONE"))) return
  mkdirSync(note, { recursive: true })
  const files = {
    "cellfan.pth": `${join(root, "python")}\n`,
    [`cellfan-${version}.dist-info/METADATA`]: `Metadata-Version: 2.1\nName: cellfan\nVersion: ${version}\n`,
    [`cellfan-${version}.dist-info/entry_points.txt`]: entryPoints(project),
    [`cellfan-${version}.dist-info/INSTALLER`]: "cellfan\n",
    [`cellfan-${version}.dist-info/CLONE`]: `${root}\n`,
  }
  // What pip takes away again, should somebody install the wheel after all.
  const record = `cellfan-${version}.dist-info/RECORD`
  files[record] = [...Object.keys(files), record].map((name) => `${name},,\n`).join("")
  for (const [name, text] of Object.entries(files)) writeIfChanged(join(packages, name), text)
}

/** `[project.entry-points."GROUP"]` of pyproject.toml in the form of an installed package. */
function entryPoints(project) {
  const groups = project.matchAll(/^\[project\.entry-points\."(.+)"\]\n((?:.+\n)+)/gm)
  return [...groups].map(([, group, lines]) => `[${group}]\n${lines.replaceAll('"', "")}`).join("\n")
}

function sitePackages() {
  if (process.platform === "win32") return join(venv, "Lib", "site-packages")
  const version = readdirSync(join(venv, "lib")).find((name) => name.startsWith("python"))
  return join(venv, "lib", version, "site-packages")
}

function writeIfChanged(path, text) {
  if (!existsSync(path) || readFileSync(path, "utf8") !== text) writeWhole(path, text)
}
