import type { Readable } from "node:stream"
import type { Connection } from "./connection.ts"
import { sshError } from "./errors.ts"
import { quote } from "./host-key.ts"

/** A file for a host. It appears there whole or not at all, and only its owner may read it. */
export interface Upload {
  readonly what: string
  /** Where it goes: an absolute path. */
  readonly path: string
  readonly content: () => Readable
  readonly sizeBytes: number
  readonly mode: "600" | "700"
  /** Whether `content` is gzip's. `sizeBytes` is the size without it. */
  readonly zipped?: boolean
}

/**
 * By `cat`: it works where sftp is not set up or a login shell prints what sftp does not expect, and takes one round trip.
 *
 * @throws BackendError where the host has no room, or the connection was lost.
 */
export async function upload(connection: Connection, file: Upload): Promise<void> {
  const part = `${file.path}.${process.pid}-${Math.random().toString(36).slice(2, 8)}`
  const script = [
    "umask 077",
    `mkdir -p ${quote(file.path.replace(/\/[^/]*$/, ""))}`,
    `{ ${file.zipped ? "gzip -dc" : "cat"} > ${quote(part)}`,
    // A connection that is lost looks like the end of the file.
    `&& [ "$(wc -c < ${quote(part)})" -eq ${file.sizeBytes} ]`,
    `&& chmod ${file.mode} ${quote(part)} && mv -f ${quote(part)} ${quote(file.path)}; }`,
    `|| { rm -f ${quote(part)}; exit 1; }`,
  ]
  const command = `/bin/sh -c ${quote(`${script.slice(0, 2).join("; ")}; ${script.slice(2).join(" ")}`)}`
  const { name } = connection.settings
  let problem: string
  try {
    const { code, stderr } = await connection.exec(command, file.content())
    if (code === 0) return
    problem = stderr.split("\n").at(-1) || `it arrived in part (code ${code})`
  } catch (cause) {
    throw sshError(
      "network",
      `${file.what} could not be brought to ${name}: ${(cause as Error).message}`,
      cause,
    )
  }
  const kind = /no space left|quota/i.test(problem) ? "quota" : "other"
  throw sshError(kind, `${file.what} could not be brought to ${name} (${file.path}): ${problem}`)
}
