import { type ChildProcess, spawn } from "node:child_process"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { basename, dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { jupyterEnvironment } from "../../scripts/setup/jupyter.mjs"
import { venvPython } from "../../scripts/util/paths.mjs"
import { root } from "./repository.ts"

/** Jupyter as the tests use it: the clone's own virtual environment, with the kernel and the extension of this clone. */

export interface Finished {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a Python program in the virtual environment: `runPython(["-m", "jupyter", "--version"])`. */
export function runPython(
  args: readonly string[],
  options: { cwd?: string; input?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<Finished> {
  const env = { ...jupyterEnvironment(), ...options.env }
  const child = spawn(venvPython, args, { cwd: options.cwd ?? root, env })
  const stdout = textOf(child.stdout)
  const stderr = textOf(child.stderr)
  child.stdin.end(options.input ?? "")
  return new Promise((resolve, reject) => {
    child.on("error", reject)
    child.on("close", (code) => resolve({ code: code ?? 1, stdout: stdout(), stderr: stderr() }))
  })
}

function textOf(stream: NodeJS.ReadableStream): () => string {
  let text = ""
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk
  })
  return () => text
}

/** A notebook as it stands in the file; only what tests read. */
export interface Notebook {
  readonly cells: readonly NotebookCell[]
}

export interface NotebookCell {
  readonly cell_type: string
  readonly source: string | readonly string[]
  readonly outputs?: readonly CellOutput[]
}

export interface CellOutput {
  readonly output_type: string
  readonly name?: string
  readonly text?: string | readonly string[]
  readonly data?: Readonly<Record<string, unknown>>
  readonly ename?: string
  readonly evalue?: string
  readonly traceback?: readonly string[]
}

/**
 * Runs a notebook by nbclient, in its own folder, and reads the executed copy. `also` is code of one more cell at its
 * end, for what a test wants to know and a reader does not.
 */
export async function executeNotebook(
  path: string,
  options: { also?: string; env?: Readonly<Record<string, string>> } = {},
): Promise<Finished & { readonly notebook: Notebook }> {
  const folder = await mkdtemp(join(tmpdir(), "cellfan-notebook-"))
  try {
    const source = join(folder, basename(path))
    const copy = join(folder, "executed.ipynb")
    const original = JSON.parse(await readFile(path, "utf8"))
    if (options.also !== undefined) original.cells.push(codeCell(options.also))
    await writeFile(source, JSON.stringify(original))
    const script = join(root, "scripts", "execute_notebook.py")
    const finished = await runPython([script, source, copy, dirname(path)], { env: options.env ?? {} })
    const notebook = await readFile(copy, "utf8").catch(() => {
      throw new Error(`${path} was not executed:\n${finished.stderr}`)
    })
    return { ...finished, notebook: JSON.parse(notebook) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function codeCell(source: string): object {
  return { cell_type: "code", id: "of-the-test", metadata: {}, execution_count: null, outputs: [], source }
}

/** A cell's source, or an output's text, in one piece. */
export function textIn(lines: string | readonly string[] | undefined): string {
  return typeof lines === "string" ? lines : (lines ?? []).join("")
}

export interface JupyterServer {
  /** Ends with a slash. */
  readonly url: string
  readonly token: string
  close(): Promise<void>
}

const SLOWEST_START_MS = 60_000
const SLOWEST_STOP_MS = 15_000

export interface JupyterOptions {
  /** What it serves. */
  readonly folder: string
  /** "notebook" is Notebook 7. */
  readonly module?: "jupyterlab" | "notebook"
  readonly args?: readonly string[]
  /** Of another virtual environment, which has the kernel. */
  readonly python?: string
  /** Names of front-end extensions that are left out. */
  readonly without?: readonly string[]
  /** For the server and its kernels, beside what the tests' own process has. */
  readonly env?: Readonly<Record<string, string>>
}

/** Starts JupyterLab on a free port. */
export async function startJupyter(options: JupyterOptions): Promise<JupyterServer> {
  const own = await mkdtemp(join(tmpdir(), "cellfan-jupyter-"))
  const config = join(own, "config")
  const folders = { JUPYTER_RUNTIME_DIR: own, JUPYTER_CONFIG_DIR: config }
  const env = { ...jupyterEnvironment(), ...folders, ...options.env }
  await mkdir(join(config, "labconfig"), { recursive: true })
  const disabledExtensions = Object.fromEntries((options.without ?? []).map((name) => [name, true]))
  await writeFile(join(config, "labconfig", "page_config.json"), JSON.stringify({ disabledExtensions }))
  const args = [
    "--no-browser",
    "--port=0",
    "--allow-root",
    `--ServerApp.root_dir=${options.folder}`,
    ...(options.args ?? []),
  ]
  const server = spawn(options.python ?? venvPython, ["-m", options.module ?? "jupyterlab", ...args], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  })
  const stderr = textOf(server.stderr)
  const close = () => stop(server, own)
  try {
    return { ...(await addressOf(server, own, stderr)), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The server writes a note with its address once it accepts connections. */
async function addressOf(
  server: ChildProcess,
  runtime: string,
  stderr: () => string,
): Promise<{ url: string; token: string }> {
  const note = join(runtime, `jpserver-${server.pid}.json`)
  const giveUpMs = Date.now() + SLOWEST_START_MS
  while (Date.now() < giveUpMs && server.exitCode === null) {
    const text = await readFile(note, "utf8").catch(() => undefined)
    if (text?.endsWith("}")) {
      const { url, token } = JSON.parse(text)
      return { url, token }
    }
    await sleep(50)
  }
  throw new Error(`Jupyter did not start:\n${stderr()}`)
}

async function stop(server: ChildProcess, own: string): Promise<void> {
  if (server.exitCode === null && server.signalCode === null) {
    const gone = new Promise((resolve) => server.once("close", resolve))
    server.kill("SIGTERM")
    // Jupyter's server has shut its kernels down, and may then wait for ever for an idle thread of its own (AnyIO's).
    const late = setTimeout(() => server.kill("SIGKILL"), SLOWEST_STOP_MS)
    await gone
    clearTimeout(late)
  }
  await rm(own, { recursive: true, force: true })
}
