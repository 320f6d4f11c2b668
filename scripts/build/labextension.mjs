import { mustRun, npm } from "../util/run.mjs"

/** The prebuilt JupyterLab extension, in dist/labextension. */
export async function buildLabextension() {
  const [command, args] = npm(["run", "build", "--workspace", "labextension"])
  await mustRun(command, args)
}
