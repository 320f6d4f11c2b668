/**
 * Words in a PNG, where no font can be relied on: letters as strokes of a round pen. A letter is polylines, apart by spaces; a
 * point is two digits of base 36, right and down from the upper left. Capitals stand from 0 to 12, small letters from 4, tails
 * reach to 16.
 */
const glyphs: Readonly<Record<string, string>> = {
  A: "0c408c 1878",
  B: "000c5c7a785606 0050727456",
  C: "826020020a2c6c8a",
  D: "000c5c89835000",
  E: "70000c7c 0666",
  F: "70000c 0666",
  G: "826020020a2c6c8a8747",
  H: "000c 808c 0686",
  I: "000c",
  J: "606a4c2c0a",
  K: "000c 7007 347c",
  L: "000c7c",
  M: "0c0047808c",
  N: "0c008c80",
  O: "20020a2c6c8a826020",
  P: "0c005072755707",
  Q: "20020a2c6c8a826020 598d",
  R: "0c005072755707 477c",
  S: "81602002042666888a6c2c0b",
  T: "0080 404c",
  U: "000a2c6c8a80",
  V: "004c80",
  W: "002c538ca0",
  X: "008c 800c",
  Y: "004680 464c",
  Z: "00800c8c",
  a: "052444666c 6828090b2c4c6a",
  b: "000c 062444666a4c2c0a",
  c: "654424060a2c4c6b",
  d: "606c 664424060a2c4c6a",
  e: "0868664424060a2c4c6b",
  f: "5030222c 0454",
  g: "646e4g2g0f 664424060a2c4c6a",
  h: "000c 062444666c",
  i: "040c 0101",
  j: "343e1g0g 3131",
  k: "000c 5409 276c",
  l: "000a2c",
  m: "040c 062434565c 567484a6ac",
  n: "040c 062444666c",
  o: "24060a2c4c6a664424",
  p: "040g 062444666a4c2c0a",
  q: "646g 664424060a2c4c6a",
  r: "040c 072444",
  s: "55441405071848595b4c1c0b",
  t: "212a3c5c 0454",
  u: "040a2c4c6a 646c",
  v: "043c64",
  w: "042c558ca4",
  x: "046c 640c",
  y: "043c 642f0g",
  z: "04640c6c",
  "0": "20020a2c5c7a725020",
  "1": "03303c",
  "2": "02205072740c7c",
  "3": "01205072745626 56787a5c2c0b",
  "4": "5c500878",
  "5": "70101555777a5c2c0b",
  "6": "615020020a2c5c7a78562608",
  "7": "00702c",
  "8": "205072745626040220 26080a2c5c7a7856",
  "9": "74562604022050727a5c2c0b",
  ".": "0c0c",
  ",": "1b0e",
  ":": "0505 0c0c",
  ";": "1616 1b0e",
  "!": "0008 0c0c",
  "?": "02204062643638 3c3c",
  "-": "0848",
  "+": "0868 353b",
  "=": "0666 0a6a",
  _: "0d7d",
  "/": "0d50",
  "\\": "005d",
  "(": "30040a3e",
  ")": "00343a0e",
  "[": "30000e3e",
  "]": "00303e0e",
  "{": "40222507292c4e",
  "}": "00222547292c0e",
  "<": "63086d",
  ">": "03680d",
  "|": "000e",
  "'": "0003",
  '"': "0003 3033",
  "`": "0023",
  "#": "311b 715b 0484 0888",
  $: "81602002042666888a6c2c0b 404c",
  "%": "800c 0020230300 69898c6c69",
  "&": "8c131130505326080a2c5c88",
  "*": "3137 0266 6206",
  "@": "7b5c2c0a0220608287685854342628395867",
  "^": "043064",
  "~": "0927496786",
  "·": "0808",
  "…": "0c0c 4c4c 8c8c",
  "’": "0003",
  "–": "0868",
  "×": "046a 640a",
}

/** For letters that are not drawn here. */
const unknown = "00606c0c00"
const spaceUnits = 4
const gapUnits = 3.4
/** Below the line, for tails. */
const depthUnits = 4
const capitalUnits = 12

export interface Letter {
  readonly width: number
  readonly height: number
  /** How dark each pixel is, 0 to 3, row by row. The pen reaches `edge` pixels beyond the strokes on each side. */
  readonly shades: Uint8Array
  /** From this letter's left to the next one's. */
  readonly advance: number
}

export interface Pen {
  /** Pixels to a unit of the letters' own. */
  readonly scale: number
  /** Half the width of its line, in pixels. */
  readonly radius: number
}

/** Pixels around a letter that only the pen's width touches. */
export const edge = 3

const drawn = new Map<string, Letter>()

export function letter(sign: string, pen: Pen): Letter {
  const key = `${sign} ${pen.scale} ${pen.radius}`
  const known = drawn.get(key) ?? draw(sign, pen)
  drawn.set(key, known)
  return known
}

function draw(sign: string, { scale, radius }: Pen): Letter {
  const strokes = sign === " " ? [] : strokesOf(glyphs[sign] ?? unknown, scale)
  const right = Math.max(0, ...strokes.flatMap((points) => points.map(({ x }) => x)))
  const width = Math.ceil(right) + 2 * edge
  const height = Math.ceil((capitalUnits + depthUnits) * scale) + 2 * edge
  const shades = new Uint8Array(width * height)
  for (let at = 0; at < shades.length; at++) {
    const x = (at % width) - edge
    const y = Math.floor(at / width) - edge
    const distance = Math.min(...strokes.map((points) => distanceTo(points, x, y)))
    shades[at] = Math.round(3 * Math.max(0, Math.min(1, radius + 0.5 - distance)))
  }
  const wide = sign === " " ? spaceUnits * scale : right
  return { width, height, shades, advance: Math.round(wide + gapUnits * scale) }
}

interface Point {
  readonly x: number
  readonly y: number
}

function strokesOf(glyph: string, scale: number): Point[][] {
  return glyph.split(" ").map((stroke) => {
    const pairs = stroke.match(/../g) ?? []
    return pairs.map((pair) => ({
      x: Number.parseInt(pair.charAt(0), 36) * scale,
      y: Number.parseInt(pair.charAt(1), 36) * scale,
    }))
  })
}

function distanceTo(points: readonly Point[], x: number, y: number): number {
  let least = Number.POSITIVE_INFINITY
  for (let at = 1; at < points.length; at++) {
    const from = points[at - 1]
    const to = points[at]
    if (from === undefined || to === undefined) continue
    const [alongX, alongY] = [to.x - from.x, to.y - from.y]
    const length = alongX ** 2 + alongY ** 2
    const share = length === 0 ? 0 : ((x - from.x) * alongX + (y - from.y) * alongY) / length
    const near = Math.max(0, Math.min(1, share))
    least = Math.min(least, Math.hypot(x - from.x - near * alongX, y - from.y - near * alongY))
  }
  return least
}
