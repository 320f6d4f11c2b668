import { existsSync } from "node:fs"
import { homedir } from "node:os"
import { join, resolve } from "node:path"
import { ConfigError } from "../errors.ts"

/** Which configuration file is read: the first there is. */
export interface FoundFile {
  readonly path: string
  /** One that Lithops reads: what it says beyond our keys concerns Lithops alone. */
  readonly isLithops: boolean
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * $CELLFAN_CONFIG_FILE, the working folder, the home folder, the machine; then, in the same order, where Lithops looks.
 *
 * @throws ConfigError where a variable names a file that is not there.
 */
export function findFile(env: Environment, folder: string): FoundFile | undefined {
  return ours(env, folder) ?? lithops(env, folder)
}

function ours(env: Environment, folder: string): FoundFile | undefined {
  const path =
    named(env, "CELLFAN_CONFIG_FILE", folder) ??
    firstOf([
      ...["cellfan.config.yaml", "cellfan.config.yml", "cellfan.config.json"].map((name) =>
        join(folder, name),
      ),
      join(homeOf(env), ".cellfan", "config"),
      "/etc/cellfan/config",
    ])
  return path === undefined ? undefined : { path, isLithops: false }
}

function lithops(env: Environment, folder: string): FoundFile | undefined {
  const path =
    named(env, "LITHOPS_CONFIG_FILE", folder) ??
    firstOf([join(folder, ".lithops_config"), join(homeOf(env), ".lithops", "config"), "/etc/lithops/config"])
  return path === undefined ? undefined : { path, isLithops: true }
}

function named(env: Environment, variable: string, folder: string): string | undefined {
  const value = env[variable]
  if (value === undefined || value === "") return undefined
  const path = resolve(folder, value.replace(/^~(?=[\\/]|$)/, homeOf(env)))
  if (!existsSync(path))
    throw new ConfigError(
      `${variable} is ${value}, and there is no such file: name one that is there, or unset it.`,
      {
        key: variable,
      },
    )
  return path
}

function firstOf(paths: readonly string[]): string | undefined {
  return paths.find((path) => existsSync(path))
}

export function homeOf(env: Environment): string {
  return env.HOME ?? homedir()
}
