/**
 * Random numbers that depend on nothing but a job's seed and a task's index: the same on any machine, in any order.
 * `randomFor(seed, index)` gives the sequence that `ctx.random()` has in task `index` of a job with that seed.
 * The generator is sfc32 (Chris Doty-Humphrey, PractRand), seeded through SplitMix32 so that neighbouring
 * indices give unrelated sequences.
 */
export function randomFor(seed: number, index: number): () => number {
  const mix = splitMix32((seed >>> 0) ^ Math.imul(Math.floor(seed / 2 ** 32) + 1, 0x85ebca6b))
  const other = splitMix32((mix() ^ index) >>> 0)
  let [a, b, c, counter] = [mix(), other(), (mix() ^ other()) | 0, 1]
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return sum >>> 0
  }
  for (let warmUp = 0; warmUp < 12; warmUp++) next()
  // 53 bits, as Math.random has.
  return () => ((next() >>> 5) * 0x4000000 + (next() >>> 6)) / 2 ** 53
}

function splitMix32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return mixed ^ (mixed >>> 15)
  }
}
