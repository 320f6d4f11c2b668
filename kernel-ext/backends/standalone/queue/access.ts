import { readFileSync } from "node:fs"
import { BackendError } from "../../../errors.ts"

/** How the server is reached. */
export interface QueueAccess {
  /** "nats://host:4222", "tls://user:password@host:4222". */
  readonly servers: readonly string[]
  readonly user?: string | undefined
  readonly password?: string | undefined
  readonly token?: string | undefined
  /** Text of a credentials file, as NATS' own tools write them; asked for again at each connection where it is a function. */
  readonly credentials?: string | (() => string) | undefined
  /** PEM text of the authority that signed the server's certificate. */
  readonly ca?: string | undefined
  /** Servers are only those that are named, not those that they tell of: there may be a tunnel between. */
  readonly onlyNamed?: boolean | undefined
}

/** @throws BackendError for what is no URL of a NATS server. */
export function urlOf(server: string): URL {
  const text = server.includes("://") ? server : `nats://${server}`
  try {
    const url = new URL(text)
    if (url.hostname !== "" && ["nats:", "tls:"].includes(url.protocol)) {
      if (url.port === "") url.port = "4222"
      return url
    }
  } catch {
    // Said below.
  }
  throw new BackendError(
    `${server} is no address of a NATS server. It takes nats://host:port, or tls://host:port.`,
    { backend: "nats", retryable: false, kind: "setup" },
  )
}

/** A file with credentials or an authority, as its text. */
export function readAccessFile(file: string, what: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch (cause) {
    const message = `The file with ${what} could not be read: ${(cause as Error).message}`
    throw new BackendError(message, { backend: "nats", retryable: false, kind: "setup", cause })
  }
}

export function withoutPassword(server: string): string {
  return server.replace(/\/\/[^@/]*@/, "//")
}

/** When credentials end, in ms since 1970; undefined for those that do not. */
export function endOfCredentials(text: string): number | undefined {
  const [, body] = /^[\w-]+\.([\w-]+)\.[\w-]+$/m.exec(text) ?? []
  if (body === undefined) return undefined
  const { exp } = JSON.parse(Buffer.from(body, "base64url").toString()) as { exp?: number }
  return exp === undefined ? undefined : exp * 1000
}
