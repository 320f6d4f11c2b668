/**
 * Code Engine has certain sizes of memory, and for each certain numbers of processors.
 *
 * @see https://cloud.ibm.com/docs/codeengine?topic=codeengine-mem-cpu-combo
 */
export interface InstanceSize {
  /** "4G": thousands of MB. */
  readonly memory: string
  readonly cpu: string
  /** What a process may use of it. */
  readonly usableMiB: number
}

type Sizes = ReadonlyMap<number, readonly number[]>

/** Processors, by GB of memory: between a half and a quarter, and an eighth of one. */
const cpusByGb: Sizes = new Map([
  [0.25, [0.125]],
  [0.5, [0.125, 0.25]],
  [1, [0.125, 0.25, 0.5]],
  [2, [0.25, 0.5, 1]],
  [4, [0.5, 1, 2]],
  [8, [1, 2, 4]],
  [12, [6]],
  [16, [2, 4, 8]],
  [24, [6]],
  [32, [4, 8]],
  [48, [6, 12]],
])

/** @see https://cloud.ibm.com/docs/codeengine?topic=codeengine-fun-runtime */
const functionCpusByGb: Sizes = new Map([
  [1, [0.25]],
  [2, [0.5]],
  [4, [1]],
])

/** The smallest instance of a function that has so much memory. */
export function functionSize(memoryMiB: number, cpu?: number): InstanceSize {
  return instanceSize(memoryMiB, cpu, functionCpusByGb)
}

/**
 * The smallest that has so much memory. Without a wish, as many processors as one task can use, if there are so few for it.
 *
 * @throws RangeError where there is none.
 */
export function instanceSize(memoryMiB: number, cpu?: number, all: Sizes = cpusByGb): InstanceSize {
  const sizes = [...all].filter(
    ([gb, cpus]) => gb * 1024 >= memoryMiB && (cpu === undefined || cpus.includes(cpu)),
  )
  const [smallest] = sizes
  if (smallest === undefined) {
    const wish = cpu === undefined ? "" : ` with ${cpu} processors`
    throw new RangeError(
      `there is no instance of ${memoryMiB} MiB${wish}; memory and processors go together: ${inWords(all)}`,
    )
  }
  const [gb, cpus] = smallest
  const chosen = cpu ?? cpus.findLast((one) => one <= 1) ?? cpus[0]
  return {
    memory: gb < 1 ? `${gb * 1000}M` : `${gb}G`,
    cpu: String(chosen),
    usableMiB: Math.floor((gb * 1e9) / 2 ** 20),
  }
}

function inWords(sizes: Sizes): string {
  return [...sizes].map(([gb, cpus]) => `${gb * 1024} MiB (${cpus.join(", ")})`).join(", ")
}
