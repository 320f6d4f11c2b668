import { createHmac, randomUUID, timingSafeEqual } from "node:crypto"

/**
 * The Jupyter wire: messages as frames of bytes.
 *
 *     identities… <IDS|MSG> signature header parent_header metadata content buffers…
 *
 * A frame list from outside is trusted only after its signature was checked, and parsed only after that.
 */

/** The version of the messaging specification that this kernel speaks. */
export const PROTOCOL_VERSION = "5.4"

export interface Header {
  readonly msg_id: string
  readonly msg_type: string
  readonly session: string
  readonly username: string
  readonly date?: string
  readonly version?: string
}

export interface Message {
  readonly identities: readonly Uint8Array[]
  readonly header: Header
  readonly metadata: Readonly<Record<string, unknown>>
  readonly content: Readonly<Record<string, unknown>>
  readonly buffers: readonly Uint8Array[]
}

/** What is to be sent; content and metadata are JSON already, so that they cross threads as plain text. */
export interface Outgoing {
  readonly type: string
  /** Header of the request that this belongs to. */
  readonly parent: Header | undefined
  readonly content: string
  readonly metadata?: string
  readonly buffers?: readonly Uint8Array[]
}

export type Decoded =
  | { readonly ok: true; readonly message: Message }
  | { readonly ok: false; readonly reason: string }

const DELIMITER = Buffer.from("<IDS|MSG>")

/** How many signatures are remembered; a replay older than these would need a day of busy typing to be worth it. */
const REPLAYS_REMEMBERED = 65_536

export class Wire {
  readonly #key: string
  readonly #hash: string
  /** One per kernel process; clients use it to see that a kernel was restarted. */
  readonly #session = randomUUID()
  readonly #seen = new Set<string>()
  #sent = 0

  /** `scheme` as in the connection file: "hmac-sha256". An empty key turns signing off, as the specification says. */
  constructor(key: string, scheme: string) {
    const hash = /^hmac-([\w-]+)$/.exec(scheme)?.[1]
    if (hash === undefined) {
      throw new TypeError(
        `The signature scheme of the connection file is "${scheme}"; known are "hmac-sha256" and its like`,
      )
    }
    this.#key = key
    this.#hash = hash
    this.#sign([])
  }

  decode(frames: readonly Uint8Array[]): Decoded {
    const delimiter = frames.findIndex((frame) => DELIMITER.equals(frame))
    if (delimiter < 0) return refused("it has no delimiter")
    const [signature, ...rest] = frames.slice(delimiter + 1)
    const parts = rest.slice(0, 4)
    if (signature === undefined || parts.length < 4) return refused("it has too few frames")
    const problem = this.#authenticate(signature, parts)
    if (problem !== undefined) return refused(problem)
    return parse(parts, frames.slice(0, delimiter), rest.slice(4))
  }

  encode(identities: readonly Uint8Array[], message: Outgoing): Uint8Array[] {
    const header: Header = {
      msg_id: `${this.#session}_${process.pid}_${this.#sent++}`,
      msg_type: message.type,
      session: this.#session,
      username: "kernel",
      date: new Date().toISOString(),
      version: PROTOCOL_VERSION,
    }
    const parts = [
      Buffer.from(JSON.stringify(header)),
      Buffer.from(JSON.stringify(message.parent ?? {})),
      Buffer.from(wellFormed(message.metadata ?? "{}")),
      Buffer.from(wellFormed(message.content)),
    ]
    return [...identities, DELIMITER, Buffer.from(this.#sign(parts)), ...parts, ...(message.buffers ?? [])]
  }

  #sign(parts: readonly Uint8Array[]): string {
    if (this.#key === "") return ""
    const hmac = createHmac(this.#hash, this.#key)
    for (const part of parts) hmac.update(part)
    return hmac.digest("hex")
  }

  /** Why the frames are not to be trusted; undefined where they are. */
  #authenticate(signature: Uint8Array, parts: readonly Uint8Array[]): string | undefined {
    if (this.#key === "") return undefined
    const expected = Buffer.from(this.#sign(parts))
    if (signature.length !== expected.length || !timingSafeEqual(signature, expected))
      return "its signature is wrong"
    const text = expected.toString("latin1")
    if (this.#seen.has(text)) return "it was seen before"
    this.#seen.add(text)
    if (this.#seen.size > REPLAYS_REMEMBERED) this.#forgetOldest()
    return undefined
  }

  #forgetOldest(): void {
    let left = REPLAYS_REMEMBERED / 8
    for (const signature of this.#seen) {
      if (left-- <= 0) return
      this.#seen.delete(signature)
    }
  }
}

/**
 * JSON with whole characters only. Of half a surrogate pair, as `"😀"[0]` is one, JSON.stringify makes an escape; Python reads it,
 * and can then save no notebook that has it.
 */
function wellFormed(json: string): string {
  if (!json.includes("\\ud")) return json
  return json.replace(/\\(\\|ud[89a-f][0-9a-f]{2})/g, (all, what) => (what === "\\" ? all : "\\ufffd"))
}

function parse(
  parts: readonly Uint8Array[],
  identities: readonly Uint8Array[],
  buffers: readonly Uint8Array[],
): Decoded {
  let values: unknown[]
  try {
    values = parts.map((part) => JSON.parse(Buffer.from(part).toString("utf8")))
  } catch (error) {
    return refused(`a frame is not JSON (${error instanceof Error ? error.message : String(error)})`)
  }
  const [head, , metadata, content] = values
  if (!isRecord(head) || !isRecord(content)) return refused("header or content is not an object")
  const { msg_id, msg_type, session, username } = head
  if (typeof msg_id !== "string" || typeof msg_type !== "string")
    return refused("its header lacks msg_id or msg_type")
  const header: Header = {
    ...head,
    msg_id,
    msg_type,
    session: typeof session === "string" ? session : "",
    username: typeof username === "string" ? username : "",
  }
  const message = { identities, header, metadata: isRecord(metadata) ? metadata : {}, content, buffers }
  return { ok: true, message }
}

function refused(reason: string): Decoded {
  return { ok: false, reason }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
