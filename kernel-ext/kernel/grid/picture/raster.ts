import { crc32, deflateSync } from "node:zlib"
import { edge, letter, type Pen } from "./letters.ts"

/** Red, green, blue, and how much of it: 0 to 1. */
export type Paint = readonly [red: number, green: number, blue: number, alpha: number]

/** Pixels of up to 16 colours, and the PNG file of them. */
export class Raster {
  readonly width: number
  readonly height: number
  /** A colour of the palette a pixel, row by row. */
  readonly pixels: Uint8Array

  constructor(width: number, height: number) {
    this.width = width
    this.height = height
    this.pixels = new Uint8Array(width * height)
  }

  rectangle(left: number, top: number, width: number, height: number, color: number): void {
    const from = Math.max(0, left)
    const to = Math.min(this.width, left + width)
    if (to <= from) return
    for (let y = Math.max(0, top); y < Math.min(this.height, top + height); y++)
      this.pixels.fill(color, y * this.width + from, y * this.width + to)
  }

  /** `colors`: a light, a middle and a full one. Returns where the next word would begin. */
  words(
    left: number,
    baseline: number,
    text: string,
    pen: Pen,
    colors: readonly [number, number, number],
  ): number {
    let x = left
    for (const sign of text) {
      const { width, height, shades, advance } = letter(sign, pen)
      if (x + advance > this.width) break
      const top = Math.round(baseline - 12 * pen.scale) - edge
      for (let at = 0; at < shades.length; at++) {
        const shade = shades[at] ?? 0
        if (shade === 0) continue
        const column = x - edge + (at % width)
        const row = top + Math.floor(at / width)
        if (column >= 0 && column < this.width && row >= 0 && row < this.height && height > 0)
          this.pixels[row * this.width + column] = colors[shade - 1] ?? 0
      }
      x += advance
    }
    return x
  }

  png(palette: readonly Paint[]): Buffer {
    const header = Buffer.alloc(13)
    header.writeUInt32BE(this.width, 0)
    header.writeUInt32BE(this.height, 4)
    // Four bits a pixel, of a palette.
    header.set([4, 3, 0, 0, 0], 8)
    return Buffer.concat([
      Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
      chunk("IHDR", header),
      chunk("PLTE", Buffer.from(palette.flatMap((paint) => paint.slice(0, 3)))),
      chunk("tRNS", Buffer.from(palette.map(([, , , alpha]) => Math.round(alpha * 255)))),
      chunk("IDAT", deflateSync(this.#packed(), { level: 4 })),
      chunk("IEND", Buffer.alloc(0)),
    ])
  }

  #packed(): Uint8Array {
    const { width, height, pixels } = this
    const stride = 1 + Math.ceil(width / 2)
    const packed = new Uint8Array(stride * height)
    for (let y = 0; y < height; y++) {
      let to = y * stride + 1
      const end = (y + 1) * width
      // Most rows are as the one above them.
      if (
        y > 0 &&
        Buffer.compare(pixels.subarray(y * width, end), pixels.subarray(end - 2 * width, y * width)) === 0
      ) {
        packed.copyWithin(to - 1, to - 1 - stride, to - 1)
        continue
      }
      for (let at = y * width; at < end; at += 2)
        packed[to++] = ((pixels[at] ?? 0) << 4) | (at + 1 < end ? (pixels[at + 1] ?? 0) : 0)
    }
    return packed
  }
}

function chunk(type: string, data: Buffer): Buffer {
  const framed = Buffer.alloc(data.length + 12)
  framed.writeUInt32BE(data.length, 0)
  framed.write(type, 4, "latin1")
  data.copy(framed, 8)
  framed.writeUInt32BE(crc32(framed.subarray(4, 8 + data.length)), 8 + data.length)
  return framed
}
