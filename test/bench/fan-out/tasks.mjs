/** What each peer is given to do. */

export const tasks = {
  noop: (x) => x + 1,
  /** `x` rounds of a loop that the compiler cannot leave out. */
  cpu: (x) => {
    let s = 1
    for (let i = 0; i < x; i++) s = (Math.imul(s, 1103515245) + 12345) & 0x7fffffff
    return s
  },
  /** Holds its worker for `x` milliseconds without using its processor: the machine's load does not change how long. */
  hold: (x) => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, x)
    return x
  },
  /** Eight megabytes in, eight megabytes out. */
  payload: (numbers) => {
    const result = new Float64Array(numbers.length)
    for (let i = 0; i < numbers.length; i++) result[i] = numbers[i] + 1
    return result
  },
}

export const workers = 2

/** The inputs of each piece of work, by its name. */
export function inputsOf(work, size) {
  switch (work) {
    case "noop":
      return Array.from({ length: size }, (_, i) => i)
    case "cpu":
      return new Array(200).fill(size)
    case "hold":
      return mixed(size)
    case "payload":
      return Array.from({ length: size }, (_, i) => new Float64Array(1e6).fill(i))
    default:
      throw new RangeError(`Unknown work: ${work}`)
  }
}

/** Durations from 1 ms to 1 s, as many short as long ones on a logarithmic scale; always the same. */
export function mixed(count) {
  let state = 42
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.round(1000 ** (state / 2 ** 32))
  })
}

export function check(work, inputs, results) {
  if (results.length !== inputs.length)
    throw new Error(`${results.length} results for ${inputs.length} inputs`)
  if (work === "noop" && results.some((r, i) => r !== inputs[i] + 1)) throw new Error("wrong results")
  if (work === "payload" && results.some((r, i) => r.length !== 1e6 || r[5] !== i + 1))
    throw new Error("wrong results")
}
