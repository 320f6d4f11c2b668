import { sizeText } from "./size.ts"

/** Binary data that is an image by its first bytes, as a MIME bundle's data. */
export function imageData(bytes: Uint8Array): Record<string, unknown> | undefined {
  const format = formats.find(({ matches }) => matches(bytes))
  if (format === undefined) return undefined
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const size = format.size?.(buffer)
  const pixels = size === undefined ? "" : `, ${size.width} × ${size.height}`
  return {
    [format.type]: format.type === "image/svg+xml" ? buffer.toString("utf8") : buffer.toString("base64"),
    "text/plain": `${format.name} image${pixels}, ${sizeText(bytes.byteLength)}`,
  }
}

interface Format {
  readonly type: string
  readonly name: string
  matches(bytes: Uint8Array): boolean
  size?(buffer: Buffer): { width: number; height: number } | undefined
}

const formats: readonly Format[] = [
  {
    type: "image/png",
    name: "PNG",
    matches: (bytes) => startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    size: (buffer) =>
      buffer.length < 24 ? undefined : { width: buffer.readUInt32BE(16), height: buffer.readUInt32BE(20) },
  },
  { type: "image/jpeg", name: "JPEG", matches: (bytes) => startsWith(bytes, [0xff, 0xd8, 0xff]) },
  {
    type: "image/gif",
    name: "GIF",
    matches: (bytes) => /^GIF8[79]a/.test(latin(bytes, 0, 6)),
    size: (buffer) =>
      buffer.length < 10 ? undefined : { width: buffer.readUInt16LE(6), height: buffer.readUInt16LE(8) },
  },
  {
    type: "image/webp",
    name: "WebP",
    matches: (bytes) => latin(bytes, 0, 4) === "RIFF" && latin(bytes, 8, 12) === "WEBP",
  },
  {
    type: "image/svg+xml",
    name: "SVG",
    matches: (bytes) =>
      /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--(?:(?!-->)[\s\S])*-->\s*)*(?:<!DOCTYPE svg[^>]*>\s*)?<svg[\s>]/.test(
        latin(bytes, 0, 1000),
      ),
  },
]

function startsWith(bytes: Uint8Array, signature: readonly number[]): boolean {
  return signature.every((byte, index) => bytes[index] === byte)
}

function latin(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, end))
}
