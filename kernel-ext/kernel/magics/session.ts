import { homedir } from "node:os"
import { resolve } from "node:path"
import { UsageError } from "../../errors.ts"
import { nearest } from "../../util/nearest.ts"
import { plainArguments, readNothing, readWord } from "./arguments.ts"
import { type LineCall, literal, type Magic, runtimeName } from "./magic.ts"
import { write } from "./output.ts"

/** %env, %cd and %pwd: the kernel's own process. */

export const sessionMagics: readonly Magic[] = [
  {
    name: "env",
    summary: "Shows or sets environment variables of the kernel.",
    details:
      "`%env` gives all, with the values of those that look secret hidden; `%env NAME` gives one; `%env NAME=VALUE` sets one. Tasks get theirs by `--env`.",
    line: {
      words: "[NAME[=VALUE]]",
      translate: ({ args }: LineCall) => [callOf("env", plainArguments(args).trim())],
    },
  },
  {
    name: "cd",
    summary: "Changes the kernel's working folder.",
    details:
      "`%cd FOLDER`, `%cd -` for the one before, `%cd` for the home folder. Imports still resolve from the notebook's folder.",
    line: {
      words: "[FOLDER]",
      translate: ({ args }: LineCall) => [callOf("cd", readWord(args, "%cd", "one folder") ?? "~")],
    },
  },
  {
    name: "pwd",
    summary: "Gives the kernel's working folder.",
    line: {
      translate({ args }: LineCall) {
        readNothing(args, "%pwd")
        return [`${runtimeName}.pwd()`]
      },
    },
  },
]

function callOf(method: string, argument: string): string {
  return `${runtimeName}.${method}(${argument === "" ? "" : literal(argument)})`
}

export const sessionDeclarations = `
  env(): Record<string, string>
  env(request: string): string | undefined
  cd(folder: string): void
  pwd(): string`

const secret = /key|token|secret|pass|credential|auth|cookie/i

export function createSessionRuntime() {
  let before: string | undefined
  return {
    env(request?: string): Record<string, string> | string | undefined {
      if (request === undefined) return allVariables()
      const [, name = "", value] = /^(\S+?)(?:(?:\s*=\s*|\s+)(.*))?$/s.exec(request) ?? []
      if (value === undefined) return oneVariable(name)
      process.env[name] = value
      write(`env: ${name}=${secret.test(name) ? "<hidden>" : value}\n`)
      return undefined
    },
    cd(folder: string): void {
      const from = process.cwd()
      process.chdir(target(folder, before))
      before = from
      write(`${process.cwd()}\n`)
    },
    pwd: (): string => process.cwd(),
  }
}

function allVariables(): Record<string, string> {
  const entries = Object.entries(process.env).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(
    entries.map(([name, value = ""]) => [name, secret.test(name) ? "<hidden>" : value]),
  )
}

function oneVariable(name: string): string {
  const value = process.env[name]
  if (value !== undefined) return value
  const near = nearest(name, Object.keys(process.env))
  const guess = near === undefined ? "" : ` Did you mean ${near}?`
  throw new UsageError(`Environment does not have key: ${name}.${guess} %env ${name}=VALUE sets it.`)
}

function target(folder: string, before: string | undefined): string {
  if (folder === "-") {
    if (before === undefined) throw new UsageError("%cd -: there is no folder before this one.")
    return before
  }
  return resolve(folder.replace(/^~(?=$|[/\\])/, homedir))
}
