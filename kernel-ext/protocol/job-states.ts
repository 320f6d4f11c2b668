import { StateCode, taskStates } from "./task.ts"

/**
 * The states of a job's tasks, made small: as text in the saved notebook, as binary patches on the wire.
 *
 *     text    "d512fr3q40"    a letter a run, its length where that is not 1
 *     patch   (gap, length × 8 + state)*, both numbers as LEB128; `gap` counts the unchanged tasks before the run
 */

/** More tasks than anyone draws; what claims to have more is not believed. */
export const maxTasks = 16_777_216

const letters = "qrdfc"

export function encodeRuns(states: Uint8Array, size: number): string {
  const parts: string[] = []
  for (let from = 0; from < size; ) {
    const code = states[from] ?? 0
    const to = runEnd(states, from, size)
    parts.push(letters.charAt(code), to - from === 1 ? "" : String(to - from))
    from = to
  }
  return parts.join("")
}

/** Shorter runs are over before looking at several tasks at once pays. */
const longRun = 32

/** Where the run of equal states ends that begins at `from`. */
export function runEnd(states: Uint8Array, from: number, size: number): number {
  const code = states[from] ?? 0
  const soon = Math.min(size, from + longRun)
  let to = from + 1
  while (to < soon && states[to] === code) to++
  if (to < soon || to === size) return to
  // Most jobs have few runs, long ones: four tasks at a time.
  while (to < size && (states.byteOffset + to) % 4 !== 0) {
    if (states[to] !== code) return to
    to++
  }
  const words = new Uint32Array(states.buffer, states.byteOffset + to, (size - to) >> 2)
  const same = code * 0x01010101
  let word = 0
  while (word < words.length && words[word] === same) word++
  to += word * 4
  while (to < size && states[to] === code) to++
  return to
}

/** @throws RangeError where the text does not spell the states of `size` tasks. */
export function decodeRuns(text: string, size: number): Uint8Array {
  if (!Number.isInteger(size) || size < 0 || size > maxTasks)
    throw new RangeError(`Not a number of tasks: ${size}`)
  const states = new Uint8Array(size)
  let at = 0
  for (const [, letter = "", length = ""] of text.matchAll(/([a-z])(\d*)/g)) {
    const code = letters.indexOf(letter)
    const to = at + (length === "" ? 1 : Number(length))
    if (code < 0 || to > size)
      throw new RangeError(`Task states do not fit ${size} tasks: "${letter}${length}"`)
    states.fill(code, at, to)
    at = to
  }
  if (at !== size) throw new RangeError(`Task states name ${at} tasks of ${size}`)
  return states
}

/**
 * What leads from `before` to `after`, for the first `size` tasks; undefined where nothing changed. Tasks past the end
 * of `before` count as queued there.
 */
export function diffStates(before: Uint8Array, after: Uint8Array, size: number): Uint8Array | undefined {
  const old = before.length < size ? grown(before, size) : before
  const bytes: number[] = []
  let end = 0
  for (let from = nextDifference(old, after, 0, size); from < size; ) {
    const code = after[from] ?? 0
    let to = from + 1
    while (to < size && after[to] === code && old[to] !== code) to++
    pushNumber(bytes, from - end)
    pushNumber(bytes, (to - from) * 8 + code)
    end = to
    from = nextDifference(old, after, to, size)
  }
  return bytes.length === 0 ? undefined : Uint8Array.from(bytes)
}

function nextDifference(before: Uint8Array, after: Uint8Array, from: number, size: number): number {
  let at = from
  while (at < size && (at - from < longRun || at % 4 !== 0)) {
    if (before[at] !== after[at]) return at
    at++
  }
  if ((before.byteOffset | after.byteOffset) % 4 === 0) {
    const words = (states: Uint8Array) => new Uint32Array(states.buffer, states.byteOffset, size >> 2)
    const [old, now] = [words(before), words(after)]
    let word = at >> 2
    while (word < now.length && old[word] === now[word]) word++
    at = Math.max(at, word * 4)
  }
  while (at < size && before[at] === after[at]) at++
  return at
}

function grown(states: Uint8Array, size: number): Uint8Array {
  const longer = new Uint8Array(size)
  longer.set(states)
  return longer
}

/**
 * Writes a patch into `states`; calls `changed` after each run.
 *
 * @throws RangeError where the patch is cut off or reaches past `states`; runs before that stay applied.
 */
export function applyPatch(
  states: Uint8Array,
  patch: Uint8Array,
  changed?: (from: number, to: number) => void,
): void {
  let read = 0
  const next = (): number => {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = patch[read++]
      if (byte === undefined || scale > 2 ** 42) throw new RangeError("The patch of task states is cut off")
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
  }
  for (let at = 0; read < patch.length; ) {
    const from = at + next()
    const run = next()
    const code = run % 8
    at = from + (run - code) / 8
    if (at > states.length || code >= taskStates.length) {
      throw new RangeError(`The patch of task states reaches task ${at} of ${states.length}`)
    }
    states.fill(code, from, at)
    changed?.(from, at)
  }
}

/** Indices of the first `limit` tasks that failed. */
export function firstFailures(states: Uint8Array, size: number, limit: number): number[] {
  const found: number[] = []
  for (let from = 0; found.length < limit; ) {
    const index = states.indexOf(StateCode.failed, from)
    if (index < 0 || index >= size) break
    found.push(index)
    from = index + 1
  }
  return found
}

function pushNumber(bytes: number[], value: number): void {
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) + 128)
  bytes.push(rest)
}
