/**
 * The word of `words` that `typed` was most likely meant to be.
 *
 * Case, `-` and `_` do not count, so `fail_fast` and `failfast` both find `failFast`.
 *
 * @returns undefined where no word is near: more than a third of the letters differ and neither begins with the other.
 */
export function nearest(typed: string, words: Iterable<string>): string | undefined {
  const wanted = plain(typed)
  let best: string | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  for (const word of words) {
    const candidate = plain(word)
    const distance = isBeginning(wanted, candidate) ? 0.5 : editDistance(wanted, candidate)
    const limit = Math.max(1, Math.floor(Math.max(wanted.length, candidate.length) / 3))
    if (distance <= limit && distance < bestDistance) {
      best = word
      bestDistance = distance
    }
  }
  return best
}

function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[-_]/g, "")
}

function isBeginning(a: string, b: string): boolean {
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  return short.length >= 3 && short !== long && long.startsWith(short)
}

/** Letters added, left out, changed or swapped with their neighbour (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1]
      let cost = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (same ? 0 : 1),
      )
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1])
        cost = Math.min(cost, at(beforeLast, column - 2) + 1)
      current.push(cost)
    }
    beforeLast = last
    last = current
  }
  return at(last, b.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
