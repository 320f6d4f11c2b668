import type { MagicTransform } from "../types.ts"

/** Text made up, or a stretch of the typed text that stays as it is (offsets in the typed text). */
export type Part = string | { readonly start: number; readonly end: number }

/** The typed text from `start` to `end` gives way to `parts`. */
export interface Edit {
  readonly start: number
  readonly end: number
  readonly parts: readonly Part[]
}

/** A run of the result: copied from the typed text, or made up in place of a stretch of it. */
interface Segment {
  readonly code: number
  readonly codeLength: number
  readonly typed: number
  readonly typedLength: number
  readonly copied: boolean
}

export const unchanged = (code: string): MagicTransform => ({
  code,
  typed: code,
  toTyped: (offset) => offset,
  toCode: (offset) => offset,
})

/** Applies edits, which do not overlap, and keeps the way between both texts. Edits at one place keep their order. */
export function applyEdits(typed: string, edits: readonly Edit[]): MagicTransform {
  const ordered = edits.map((edit, index) => ({ edit, index }))
  ordered.sort((a, b) => a.edit.start - b.edit.start || a.edit.end - b.edit.end || a.index - b.index)
  const segments: Segment[] = []
  let code = ""
  let at = 0
  const copy = (start: number, end: number): void => {
    if (end <= start) return
    segments.push({
      code: code.length,
      codeLength: end - start,
      typed: start,
      typedLength: end - start,
      copied: true,
    })
    code += typed.slice(start, end)
  }
  const make = (text: string, start: number, end: number): void => {
    segments.push({
      code: code.length,
      codeLength: text.length,
      typed: start,
      typedLength: end - start,
      copied: false,
    })
    code += text
  }
  for (const { edit } of ordered) {
    copy(at, edit.start)
    for (const part of edit.parts) {
      if (typeof part === "string") make(part, edit.start, edit.end)
      else copy(part.start, part.end)
    }
    at = edit.end
  }
  copy(at, typed.length)
  return {
    code,
    typed,
    toTyped: (offset) => toTyped(segments, offset, typed.length),
    toCode: (offset) => toCode(segments, offset, code.length),
  }
}

function toTyped(segments: readonly Segment[], offset: number, end: number): number {
  // At the seam of two segments the copied one knows better.
  const inside = segments.filter((s) => offset >= s.code && offset <= s.code + s.codeLength)
  const copied =
    inside.find((s) => s.copied && offset < s.code + s.codeLength) ?? inside.find((s) => s.copied)
  if (copied !== undefined) return copied.typed + offset - copied.code
  return inside[0]?.typed ?? end
}

function toCode(segments: readonly Segment[], offset: number, end: number): number {
  const inside = segments.filter((s) => offset >= s.typed && offset <= s.typed + s.typedLength)
  const copied =
    inside.find((s) => s.copied && offset < s.typed + s.typedLength) ?? inside.findLast((s) => s.copied)
  if (copied !== undefined) return copied.code + offset - copied.typed
  return inside[0]?.code ?? end
}

/** First `inner`, then `outer` on its result. */
export function compose(inner: MagicTransform, outer: MagicTransform): MagicTransform {
  return {
    code: outer.code,
    typed: inner.typed,
    toTyped: (offset) => inner.toTyped(outer.toTyped(offset)),
    toCode: (offset) => outer.toCode(inner.toCode(offset)),
  }
}
