/** Jupyter counts code points, JavaScript counts UTF-16 units. They differ after the first emoji. */

/** Offset in UTF-16 units of the code point `position`; positions outside are moved to the nearest end. */
export function toUtf16(text: string, position: number): number {
  let units = 0
  for (let points = 0; points < position && units < text.length; points++) {
    units += (text.codePointAt(units) ?? 0) > 0xffff ? 2 : 1
  }
  return units
}

/** Number of code points before the UTF-16 offset `offset`. */
export function toCodePoints(text: string, offset: number): number {
  let points = 0
  for (let units = 0; units < Math.min(offset, text.length); points++) {
    units += (text.codePointAt(units) ?? 0) > 0xffff ? 2 : 1
  }
  return points
}
