/**
 * Patterns of keys and paths: `*` and `?` stay within a part, `**` crosses slashes, `[ab]`, `[a-z]`, `[!a]`, `{one,two}`.
 * A backslash takes the next character as it is.
 */
export interface Pattern {
  /** What all that match begin with: the listing's prefix. */
  readonly prefix: string
  /** Whether it names one thing and no more. */
  readonly isLiteral: boolean
  matches(text: string): boolean
}

/** One that ends with a slash, or is empty, matches all below it. */
export function parsePattern(pattern: string): Pattern {
  const whole = pattern === "" || pattern.endsWith("/") ? `${pattern}**` : pattern
  const special = /[*?[{\\]/.exec(whole)
  const prefix = special === null ? whole : whole.slice(0, special.index)
  const expression = compiled(whole)
  return { prefix, isLiteral: special === null, matches: (text) => expression.test(text) }
}

function compiled(pattern: string): RegExp {
  const text = `^${translate(pattern)}$`
  try {
    return new RegExp(text, "su")
  } catch (cause) {
    // All but the order within a range has been escaped.
    throw new TypeError(
      `The pattern ${JSON.stringify(pattern)} has a range in [ ] that ends before it begins.`,
      {
        cause,
      },
    )
  }
}

function translate(pattern: string): string {
  let out = ""
  let depth = 0
  for (let at = 0; at < pattern.length; ) {
    const { text, length, opens } = token(pattern, at, depth)
    out += text
    depth += opens
    at += length
  }
  if (depth > 0)
    throw new TypeError(`The pattern ${JSON.stringify(pattern)} opens a { that it does not close.`)
  return out
}

interface Token {
  readonly text: string
  readonly length: number
  readonly opens: number
}

function token(pattern: string, at: number, depth: number): Token {
  const plain = (text: string, length: number, opens = 0): Token => ({ text, length, opens })
  const char = String.fromCodePoint(pattern.codePointAt(at) ?? 0)
  switch (char) {
    case "*":
      // `**/` is any number of folders, none included.
      if (pattern.startsWith("**/", at)) return plain("(?:.*/)?", 3)
      return pattern[at + 1] === "*" ? plain(".*", 2) : plain("[^/]*", 1)
    case "?":
      return plain("[^/]", 1)
    case "[": {
      const close = pattern.indexOf("]", at + 2)
      if (close < 0)
        throw new TypeError(`The pattern ${JSON.stringify(pattern)} opens a [ that it does not close.`)
      const inner = pattern.slice(at + 1, close)
      const negated = /^[!^]/.test(inner)
      const set = (negated ? inner.slice(1) : inner).replaceAll(/[\\\]^[&]/g, String.raw`\$&`)
      return plain(`(?!/)[${negated ? "^" : ""}${set}]`, close + 1 - at)
    }
    case "{":
      return plain("(?:", 1, 1)
    case "}":
      return depth > 0 ? plain(")", 1, -1) : plain(String.raw`\}`, 1)
    case ",":
      return plain(depth > 0 ? "|" : ",", 1)
    case "\\": {
      const next = String.fromCodePoint(pattern.codePointAt(at + 1) ?? 0x5c)
      return plain(escaped(next), 1 + next.length)
    }
    default:
      return plain(escaped(char), char.length)
  }
}

function escaped(char: string): string {
  return /[\^$\\.*+?()[\]{}|/]/.test(char) ? `\\${char}` : char
}
