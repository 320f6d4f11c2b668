import type { Inputs } from "./inputs.ts"

/** An input that is a part of a larger object, such as a range of lines of a file, says of which. */
export interface Sourced {
  /** Names the object: "s3://bucket/key". Equal names, one object. */
  readonly source: string
}

/** Which object each input of a map comes from. An array says so at once, an iterable as it is read. */
export class Sources {
  /** The inputs, to be read in place of the ones that were given. */
  readonly inputs: Inputs<unknown>
  /** Indices of the inputs by source, in the order in which the sources first came. */
  readonly groups = new Map<string, number[]>()
  /** When all inputs have been read; never, where they cannot be. */
  readonly complete: Promise<void>
  #count = 0
  #end: () => void = () => {}

  /** @throws TypeError where an array holds an input without a source. */
  constructor(inputs: Inputs<unknown>) {
    this.complete = new Promise((resolve) => {
      this.#end = resolve
    })
    if (Array.isArray(inputs)) {
      for (const input of inputs) this.#note(input)
      this.#end()
      this.inputs = inputs
    } else this.inputs = this.#reading(inputs)
  }

  #reading(inputs: Inputs<unknown>): Inputs<unknown> {
    const end = () => this.#end()
    const note = <T>(input: T): T => this.#note(input)
    if (Symbol.asyncIterator in Object(inputs))
      return (async function* () {
        for await (const input of inputs as AsyncIterable<unknown>) yield note(input)
        end()
      })()
    if (!(Symbol.iterator in Object(inputs))) return inputs
    return (function* () {
      for (const input of inputs as Iterable<unknown>) yield note(input)
      end()
    })()
  }

  #note<T>(input: T): T {
    const index = this.#count++
    const source = (input as Partial<Sourced> | null | undefined)?.source
    if (typeof source !== "string")
      throw new TypeError(
        `reducePerObject takes inputs that say which object they are part of, but input ${index} has no text \`source\`. ` +
          "Give each input one, such as { source: path, … }, or reduce all results at once.",
      )
    const group = this.groups.get(source)
    if (group === undefined) this.groups.set(source, [index])
    else group.push(index)
    return input
  }
}
