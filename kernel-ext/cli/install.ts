import { cp, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { homedir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

/** Tells a Jupyter about the kernel and the JupyterLab extension of this installation. */

/** The package: what holds dist/ and kernelspec/. */
const home = fileURLToPath(new URL("..", import.meta.url))

export interface InstallOptions {
  /** Jupyter's data folder: it gets kernels/ and labextensions/. */
  readonly dataFolder: string
  /** Link the extension in place of a copy, so that a rebuilt one is seen at the next reload of the page. */
  readonly link: boolean
}

/** Writes kernelspec and extension; resolves with the folders they are in. */
export async function install({
  dataFolder,
  link,
}: InstallOptions): Promise<{ kernel: string; extension: string }> {
  return {
    kernel: await installKernel(join(dataFolder, "kernels", "cellfan")),
    extension: await installExtension(join(dataFolder, "labextensions"), link),
  }
}

async function installKernel(target: string): Promise<string> {
  const source = join(home, "kernelspec")
  const spec = JSON.parse(await readFile(join(source, "kernel.json"), "utf8"))
  // By its full path: the Node that a Jupyter server finds by name may be another, or none.
  const argv = [process.execPath, join(home, "dist", "kernel.js"), "{connection_file}"]
  await mkdir(target, { recursive: true })
  await writeFile(join(target, "kernel.json"), `${JSON.stringify({ ...spec, argv }, null, 2)}\n`)
  for (const logo of ["logo-32x32.png", "logo-64x64.png", "logo-svg.svg"]) {
    await cp(join(source, logo), join(target, logo))
  }
  return target
}

async function installExtension(folder: string, link: boolean): Promise<string> {
  const source = join(home, "dist", "labextension")
  const { name } = JSON.parse(await readFile(join(source, "package.json"), "utf8"))
  const target = join(folder, name)
  await rm(target, { recursive: true, force: true })
  await mkdir(dirname(target), { recursive: true })
  // Windows makes a junction without asking for rights; elsewhere the word is ignored.
  if (link) await symlink(source, target, "junction")
  else await cp(source, target, { recursive: true })
  await cp(join(home, "install.json"), join(target, "install.json"))
  return target
}

/** The data folder of this user's own Jupyter, where Jupyter itself looks for it. */
export function userDataFolder(): string {
  const { JUPYTER_DATA_DIR, APPDATA, XDG_DATA_HOME } = process.env
  if (JUPYTER_DATA_DIR) return JUPYTER_DATA_DIR
  if (process.platform === "darwin") return join(homedir(), "Library", "Jupyter")
  if (process.platform === "win32") return join(APPDATA ?? join(homedir(), "AppData", "Roaming"), "jupyter")
  return join(XDG_DATA_HOME ?? join(homedir(), ".local", "share"), "jupyter")
}
