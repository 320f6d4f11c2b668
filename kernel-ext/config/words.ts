/** `a, b` → a and b: what stands in one text where several may. */
export function splitList(text: string): string[] {
  return text.split(",").map((one) => one.trim())
}

/** One word of an argument string, without its quotes. */
export interface Word {
  readonly text: string
  /** Offsets in the argument string, quotes included. */
  readonly start: number
  readonly end: number
  /** False where a quote was opened and never closed. */
  readonly closed: boolean
  /** Whether a quote or a backslash stood in it. */
  readonly quoted: boolean
}

/**
 * Words as a shell reads them: parted by blanks; `"…"` and `'…'` keep blanks, also within a word (`A="b c"`);
 * a backslash keeps the next blank, quote or backslash.
 *
 * Brackets hold a word together too, so that an expression needs no quotes: `--map urls.slice(0, 10)`.
 */
export function splitWords(text: string): Word[] {
  const words: Word[] = []
  let at = 0
  while (at < text.length) {
    if (isBlank(text[at])) at++
    else {
      const word = readWord(text, at)
      words.push(word)
      at = word.end
    }
  }
  return words
}

function readWord(text: string, start: number): Word {
  let value = ""
  let quote = ""
  let depth = 0
  let quoted = false
  let at = start
  for (; at < text.length; at++) {
    const char = text[at] ?? ""
    const next = text[at + 1]
    if (char === "\\" && next !== undefined && /[\s"'\\]/.test(next) && quote !== "'") {
      value += next
      quoted = true
      at++
    } else if (quote !== "") {
      // Within brackets the word is code, whose strings keep their quotes.
      if (char !== quote || depth > 0) value += char
      if (char === quote) quote = ""
    } else if (char === '"' || char === "'") {
      quote = char
      quoted = true
      if (depth > 0) value += char
    } else {
      if (isBlank(char) && depth === 0) break
      if ("([{".includes(char)) depth++
      if (")]}".includes(char)) depth = Math.max(0, depth - 1)
      value += char
    }
  }
  return { text: value, start, end: at, closed: quote === "", quoted }
}

function isBlank(char: string | undefined): boolean {
  return char !== undefined && /\s/.test(char)
}
