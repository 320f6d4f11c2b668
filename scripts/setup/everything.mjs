import { build } from "../build/parts.mjs"
import { registerWithJupyter } from "./jupyter.mjs"
import { installPackages } from "./packages.mjs"
import { registerPythonPackage } from "./python-package.mjs"
import { installServers } from "./servers.mjs"
import { makeVirtualEnvironment } from "./virtual-environment.mjs"

/**
 * What stands between a fresh clone and a running JupyterLab; each step does nothing where its result is there:
 * packages.mjs (npm), virtual-environment.mjs and find-python.mjs (.venv), ../build (dist), jupyter.mjs (kernelspec and extension),
 * python-package.mjs (papermill's parameters), servers.mjs (emulators for tests).
 *
 * @param list which requirements/*.txt the virtual environment gets: "start" or "test"
 */
export async function setUp(list) {
  // Both wait for the network and for different processes, so they wait together; where one fails the other stops.
  const failure = new AbortController()
  const { signal } = failure
  const stopOther = (error) => {
    failure.abort()
    throw error
  }
  await Promise.all([
    installThenBuild(signal).catch(stopOther),
    makeVirtualEnvironment(list, signal).catch(stopOther),
  ])
  if (list === "test") await installServers()
  await registerWithJupyter()
  registerPythonPackage()
}

async function installThenBuild(signal) {
  await installPackages(signal)
  if (!signal.aborted) await build()
}
