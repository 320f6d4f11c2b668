import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign } from "node:crypto"

/**
 * Keys and signed words as NATS has them (nkeys, JWT of version 2): an operator vouches for accounts, an account for its users, and the server
 * need not be told of any user. Written here since the client libraries are loaded later, and have no way to make words.
 */

export type KeyKind = "operator" | "account" | "user"

/** First byte of a public key, in the upper five bits: it makes its text begin with O, A or U. */
const prefixes: Readonly<Record<KeyKind, number>> = { operator: 14 << 3, account: 0, user: 20 << 3 }
const seedPrefix = 18 << 3

/** What stands before the 32 bytes of an Ed25519 key in PKCS #8. */
const pkcs8 = Buffer.from("302e020100300506032b657004220420", "hex")

/** A new key as the text of its seed, which begins with S. */
export function newSeed(kind: KeyKind): string {
  const prefix = prefixes[kind]
  return textOf(Buffer.from([seedPrefix | (prefix >> 5), (prefix & 31) << 3]), randomBytes(32))
}

export function publicKeyOf(seed: string): string {
  const bytes = base32Bytes(seed)
  const prefix = (((bytes[0] ?? 0) & 7) << 5) | ((bytes[1] ?? 0) >> 3)
  const spki = createPublicKey(privateKeyOf(seed)).export({ type: "spki", format: "der" })
  return textOf(Buffer.of(prefix), spki.subarray(-32))
}

export interface Claims {
  readonly name: string
  /** Public key of whom it is about. */
  readonly subject: string
  readonly expiresAtMs?: number
  readonly nats: object
}

/** Word of the holder of a key on another one. */
export function signedWord({ name, subject, expiresAtMs, nats }: Claims, issuerSeed: string): string {
  const claims = {
    jti: base32Text(randomBytes(20)),
    iat: Math.floor(Date.now() / 1000),
    ...(expiresAtMs !== undefined && { exp: Math.floor(expiresAtMs / 1000) }),
    ...{ iss: publicKeyOf(issuerSeed), name, sub: subject, nats },
  }
  const text = [{ typ: "JWT", alg: "ed25519-nkey" }, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".")
  return `${text}.${sign(null, Buffer.from(text), privateKeyOf(issuerSeed)).toString("base64url")}`
}

function privateKeyOf(seed: string): KeyObject {
  const raw = base32Bytes(seed).subarray(2, 34)
  return createPrivateKey({ key: Buffer.concat([pkcs8, raw]), format: "der", type: "pkcs8" })
}

function textOf(prefix: Uint8Array, key: Uint8Array): string {
  const bytes = Buffer.concat([prefix, key])
  const sum = checksum(bytes)
  return base32Text(Buffer.concat([bytes, Buffer.of(sum & 255, sum >> 8)]))
}

/** CRC-16 with the polynomial 0x1021, beginning with 0. */
function checksum(bytes: Uint8Array): number {
  let crc = 0
  for (const byte of bytes) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff
  }
  return crc
}

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

function base32Text(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("")
  return (bits.match(/.{1,5}/g) ?? []).map((five) => digits[Number.parseInt(five.padEnd(5, "0"), 2)]).join("")
}

function base32Bytes(text: string): Buffer {
  const bits = [...text].map((digit) => digits.indexOf(digit).toString(2).padStart(5, "0")).join("")
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((eight) => Number.parseInt(eight, 2)))
}
