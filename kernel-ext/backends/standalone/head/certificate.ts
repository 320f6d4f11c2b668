import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
} from "node:crypto"
import { isIP } from "node:net"

/**
 * Certificates for servers that cellfan starts: an authority for each pool, which only those who belong to it trust, and what it
 * signs. Node has no way to make certificates; this is as much of X.509 (RFC 5280) as that takes.
 */
export interface Signed {
  /** PEM. */
  readonly certificate: string
  readonly key: string
}

const day = 24 * 60 * 60 * 1000

/** Clocks of machines are apart. */
const earlierMs = 2 * day
const validMs = 3650 * day

export function makeAuthority(name: string): Signed {
  const key = newKey()
  return { certificate: certify({ subject: name, issuer: name, of: key, by: key }), key: pem(key) }
}

/** @param addresses Names and IP addresses that the server is called by. */
export function makeServerCertificate(authority: Signed, addresses: readonly string[]): Signed {
  const key = newKey()
  const by = createPrivateKey(authority.key)
  const issuer = nameIn(authority.certificate)
  return { certificate: certify({ subject: "cellfan queue", issuer, of: key, by, addresses }), key: pem(key) }
}

interface Wanted {
  readonly subject: string
  readonly issuer: string
  /** Whose key it is, and whose signs it. */
  readonly of: KeyObject
  readonly by: KeyObject
  /** Absent: it is an authority. */
  readonly addresses?: readonly string[]
}

const oids = {
  commonName: "550403",
  ecdsaWithSha256: "2a8648ce3d040302",
  basicConstraints: "551d13",
  alternativeNames: "551d11",
  extendedKeyUsage: "551d25",
  serverAuthentication: "2b06010505070301",
} as const

function certify({ subject, issuer, of, by, addresses }: Wanted): string {
  const algorithm = sequence(oid(oids.ecdsaWithSha256))
  const now = Date.now()
  const extensions = [
    sequence(
      oid(oids.basicConstraints),
      boolean(true),
      octets(addresses === undefined ? sequence(boolean(true)) : sequence()),
    ),
  ]
  if (addresses !== undefined)
    extensions.push(
      sequence(oid(oids.extendedKeyUsage), octets(sequence(oid(oids.serverAuthentication)))),
      sequence(oid(oids.alternativeNames), octets(sequence(...addresses.map(alternativeName)))),
    )
  const serial = randomBytes(16)
  // Positive, and without zeros before it.
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  const body = sequence(
    tagged(0xa0, tagged(0x02, Buffer.of(2))),
    tagged(0x02, serial),
    algorithm,
    nameOf(issuer),
    sequence(time(now - earlierMs), time(now + validMs)),
    nameOf(subject),
    createPublicKey(of).export({ type: "spki", format: "der" }),
    tagged(0xa3, sequence(...extensions)),
  )
  const der = sequence(body, algorithm, bits(sign("sha256", body, by)))
  const lines = der.toString("base64").match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`
}

function newKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey
}

function pem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString()
}

/** The common name of one of ours, which is the first text in it. */
function nameIn(certificate: string): string {
  const der = Buffer.from(certificate.replace(/-----[^-]+-----|\s/g, ""), "base64")
  const at = der.indexOf(Buffer.from(`0603${oids.commonName}0c`, "hex")) + 6
  return der.toString("utf8", at + 1, at + 1 + (der[at] ?? 0))
}

function nameOf(commonName: string): Buffer {
  return sequence(tagged(0x31, sequence(oid(oids.commonName), tagged(0x0c, Buffer.from(commonName)))))
}

function alternativeName(address: string): Buffer {
  const family = isIP(address)
  if (family === 0) return tagged(0x82, Buffer.from(address))
  return tagged(0x87, family === 4 ? Buffer.from(address.split(".").map(Number)) : bytesOfIPv6(address))
}

function bytesOfIPv6(address: string): Buffer {
  const [head = "", tail] = address.replace(/%.*$/, "").split("::")
  const groups = (text: string): string[] => text.split(":").filter((group) => group !== "")
  const [before, after] = [groups(head), groups(tail ?? "")]
  const zeros = tail === undefined ? [] : new Array<string>(8 - before.length - after.length).fill("0")
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, "0")).join(""), "hex")
}

/** GeneralizedTime; before 2050 it has to be UTCTime. */
function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, "")
  return digits < "2050" ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits))
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tagged(0x30, ...parts)
}

function oid(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, "hex"))
}

function boolean(value: boolean): Buffer {
  return tagged(0x01, Buffer.of(value ? 0xff : 0))
}

function octets(content: Uint8Array): Buffer {
  return tagged(0x04, content)
}

function bits(content: Uint8Array): Buffer {
  return tagged(0x03, Buffer.of(0), content)
}

function tagged(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.of(tag, length), content])
  const digits = Buffer.from(length.toString(16).padStart(length > 0xff ? 4 : 2, "0"), "hex")
  return Buffer.concat([Buffer.of(tag, 0x80 | digits.length), digits, content])
}
