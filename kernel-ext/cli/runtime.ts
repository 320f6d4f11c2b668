import { userPolicy } from "../backends/lambda/policy.ts"
import type { ServerlessBackend } from "../backends/serverless/serverless.ts"
import { serverless } from "../executors/serverless.ts"

/** `cellfan runtime …`, `cellfan lambda policy`: the functions that cellfan has made. */

/** @internal The configured backend of functions. */
export async function withBackend<T>(work: (backend: ServerlessBackend) => Promise<T>): Promise<T> {
  const backend = await serverless({}, "cellfan").load()
  try {
    return await work(backend)
  } finally {
    await backend.close()
  }
}

/** One line for each function. */
export function listRuntimes(): Promise<string> {
  return withBackend(async (backend) => {
    const { functions, place } = await backend.list()
    if (functions.length === 0) return `There are no functions of cellfan in ${place}.`
    const rows = functions.map((fn) => [
      fn.name,
      `${fn.memoryMiB} MiB`,
      `${fn.timeoutMs / 1000} s`,
      fn.runtime,
      fn.architecture,
      `cellfan ${fn.version ?? "?"}`,
      fn.modifiedAt.slice(0, 10),
    ])
    return table([["FUNCTION", "MEMORY", "TIME", "RUNTIME", "PROCESSOR", "MADE BY", "ON"], ...rows])
  })
}

/** Deploys the function that the configuration asks for, and deletes those of other versions of cellfan. */
export function updateRuntimes(): Promise<string> {
  return withBackend(async (backend) => {
    await backend.open()
    const { functions } = await backend.list()
    const old = functions.filter((fn) => !backend.isCurrent(fn)).map(({ name }) => name)
    for (const name of old) await backend.remove(name)
    return old.length === 0 ? "All functions are of this version." : `Deleted older ones: ${old.join(", ")}.`
  })
}

export function deleteRuntimes(names: readonly string[]): Promise<string> {
  return withBackend(async (backend) => {
    const missing: string[] = []
    for (const name of names) if (!(await backend.remove(name))) missing.push(name)
    if (missing.length > 0)
      throw new Error(
        `There is no function ${missing.join(", ")}; \`cellfan runtime list\` shows those there are.`,
      )
    return `Deleted ${names.join(", ")}.`
  })
}

/** The least rights, as JSON. */
export function policy(roleArn: string | undefined): string {
  return JSON.stringify(userPolicy(roleArn), undefined, 2)
}

/** Columns, each as wide as its widest cell. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n")
}
