import type { ByteRange } from "../protocol/storage.ts"

/** What names and ranges may be. The same everywhere, so that what works on files works on S3 and the other way round. */

/** Of S3, in UTF-8 bytes. */
const maxKeyBytes = 1024

/** @throws TypeError for a key that some backend would refuse or, worse, take for another. */
export function checkKey(key: unknown): string {
  if (typeof key !== "string") throw new TypeError(`An object's key is a text, but got ${describe(key)}.`)
  const problem = keyProblem(key)
  if (problem !== undefined) throw new TypeError(`The key ${quote(key)} ${problem}.`)
  return key
}

function keyProblem(key: string): string | undefined {
  if (key === "") return "is empty; a key has at least one character"
  const size = Buffer.byteLength(key)
  if (size > maxKeyBytes) return `has ${size} bytes; a key has at most ${maxKeyBytes} in UTF-8`
  return textProblem(key)
}

function textProblem(text: string): string | undefined {
  const control = [...text].find(isControl)
  if (control !== undefined) return `has the control character ${codeOf(control)}, which a name may not have`
  if (/\p{Surrogate}/u.test(text)) return "has half of a surrogate pair, which no encoding can write"
  // XML has no such characters: a listing gives others in their place.
  if (/[\ufffe\uffff]/.test(text))
    return "has U+FFFE or U+FFFF, which are no characters and which S3 cannot list"
  if (text.split("/").some((part) => part === "." || part === ".."))
    return 'has a part that is "." or ".."; a key is a name, not a way through folders'
  return undefined
}

/** What a key must be beside that where it becomes a path. S3 has objects with such keys, and they can be read there. */
export function fileKeyProblem(key: string): string | undefined {
  if (key.includes("\\")) return "has a backslash, which ends a folder's name on some systems; take a slash"
  const parts = key.split("/")
  if (parts[0] === "") return "begins with a slash; leave it out"
  if (parts.at(-1) === "") return "ends with a slash, which names a folder; a key names an object"
  if (parts.includes("")) return "has two slashes in a row; leave one out"
  return undefined
}

function isControl(char: string): boolean {
  const code = char.codePointAt(0) ?? 0
  return code < 0x20 || (code >= 0x7f && code < 0xa0)
}

function codeOf(char: string): string {
  return `U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`
}

/** A beginning of keys: it may end anywhere, and be empty. */
export function checkPrefix(prefix: unknown): string {
  if (typeof prefix !== "string") throw new TypeError(`A prefix is a text, but got ${describe(prefix)}.`)
  if (prefix === "") return prefix
  const problem = textProblem(prefix)
  if (problem !== undefined) throw new TypeError(`The prefix ${quote(prefix)} ${problem}.`)
  return prefix
}

/** @throws TypeError unless it is a name that S3 takes. */
export function checkBucket(bucket: unknown): string {
  if (typeof bucket !== "string")
    throw new TypeError(`A bucket's name is a text, but got ${describe(bucket)}.`)
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) || bucket.includes("..") || /^[\d.]+$/.test(bucket))
    throw new TypeError(
      `The bucket's name ${quote(bucket)} is not taken: it has 3 to 63 lower-case letters, digits, dots and hyphens, and begins and ends with a letter or a digit.`,
    )
  return bucket
}

/** @throws RangeError unless it begins at 0 or after and does not end before it begins. */
export function checkRange(range: ByteRange | undefined): ByteRange | undefined {
  if (range === undefined) return undefined
  if (typeof range !== "object" || range === null || Array.isArray(range))
    throw new TypeError(
      `A range is an object with \`start\` and, if it does not go to the end, \`end\`; got ${describe(range)}.`,
    )
  const { start, end } = range
  const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
  if (!isCount(start) || (end !== undefined && (!isCount(end) || end < start)))
    throw new RangeError(
      `A range goes from \`start\`, 0 or more, to \`end\`, which is not before it; got ${String(start)} to ${String(end)}.`,
    )
  return range
}

export function quote(name: string): string {
  const text = JSON.stringify(name)
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}

/** What a value is, in a word or two. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return "an array"
  return typeof value === "number" ? `the number ${value}` : typeof value
}
