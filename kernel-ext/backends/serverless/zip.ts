import { crc32, deflateRawSync } from "node:zlib"

/**
 * Files as a zip archive: equal files give equal bytes, so that a function's name can be made of their hash.
 *
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
 */
export function zip(files: Readonly<Record<string, ZipFile>>): Buffer {
  const local: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const [name, { bytes, executable = false }] of Object.entries(files).sort(byName)) {
    const packed = deflateRawSync(bytes, { level: 9 })
    const nameBytes = Buffer.from(name)
    const common = commonFields(bytes, packed.length, nameBytes.length)
    local.push(Buffer.concat([u32(0x04034b50), common, nameBytes]), packed)
    const mode = executable ? 0o100755 : 0o100644
    // Made by Unix, version 2.0; no comment, first disk, no attributes of DOS.
    const fields = [
      u32(0x02014b50),
      u16(0x0314),
      common,
      u16(0),
      u16(0),
      u16(0),
      u32(mode * 2 ** 16),
      u32(offset),
    ]
    central.push(Buffer.concat([...fields, nameBytes]))
    offset += 30 + nameBytes.length + packed.length
  }
  const directory = Buffer.concat(central)
  const count = u16(central.length)
  const end = [u32(0x06054b50), u16(0), u16(0), count, count, u32(directory.length), u32(offset), u16(0)]
  return Buffer.concat([...local, directory, ...end])
}

export interface ZipFile {
  readonly bytes: Uint8Array
  readonly executable?: boolean
}

/** Version 2.0, names in UTF-8, deflated, 1980-01-01. */
function commonFields(bytes: Uint8Array, packedLength: number, nameLength: number): Buffer {
  const head = [u16(20), u16(0x0800), u16(8), u16(0), u16(0x21)]
  const sizes = [u32(crc32(bytes)), u32(packedLength), u32(bytes.length), u16(nameLength), u16(0)]
  return Buffer.concat([...head, ...sizes])
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1
}

function u16(value: number): Buffer {
  const buffer = Buffer.alloc(2)
  buffer.writeUInt16LE(value)
  return buffer
}

function u32(value: number): Buffer {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE(value)
  return buffer
}
