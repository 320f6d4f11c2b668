import { readFileSync } from "node:fs"
import { isRecord } from "./wire.ts"

/** What the connection file says: where to listen and how to sign. */
export interface Connection {
  readonly transport: "tcp" | "ipc"
  readonly ip: string
  readonly key: string
  readonly signatureScheme: string
  readonly ports: Readonly<Record<SocketName, number>>
  /** Keys of an encrypted transport (CurveZMQ, Z85), where the client asks for one. */
  readonly curve: { readonly publicKey: string; readonly secretKey: string } | undefined
}

export const socketNames = ["shell", "control", "iopub", "stdin", "hb"] as const

export type SocketName = (typeof socketNames)[number]

export function readConnection(file: string): Connection {
  let content: unknown
  try {
    content = JSON.parse(readFileSync(file, "utf8"))
  } catch (cause) {
    throw new Error(`Cannot read the connection file ${file}`, { cause })
  }
  if (!isRecord(content)) throw new TypeError(`The connection file ${file} holds no JSON object`)
  const text = (key: string, fallback: string) => {
    const value = content[key] ?? fallback
    if (typeof value !== "string") {
      throw new TypeError(`"${key}" in ${file} is ${JSON.stringify(value)}; it takes a string`)
    }
    return value
  }
  const port = (key: string) => {
    const value = content[key]
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > 65_535) {
      throw new TypeError(`"${key}" in ${file} is ${JSON.stringify(value)}; it takes a port number`)
    }
    return value
  }
  const transport = text("transport", "tcp")
  if (transport !== "tcp" && transport !== "ipc") {
    throw new TypeError(`"transport" in ${file} is "${transport}"; it takes "tcp" or "ipc"`)
  }
  const secretKey = text("curve_secretkey", "")
  return {
    transport,
    ip: text("ip", "127.0.0.1"),
    key: text("key", ""),
    signatureScheme: text("signature_scheme", "hmac-sha256"),
    ports: {
      shell: port("shell_port"),
      control: port("control_port"),
      iopub: port("iopub_port"),
      stdin: port("stdin_port"),
      hb: port("hb_port"),
    },
    curve: secretKey === "" ? undefined : { publicKey: text("curve_publickey", ""), secretKey },
  }
}

export function addressOf(connection: Connection, socket: SocketName): string {
  const port = connection.ports[socket]
  const separator = connection.transport === "ipc" ? "-" : ":"
  return `${connection.transport}://${connection.ip}${separator}${port}`
}
