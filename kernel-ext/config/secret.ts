import { inspect } from "node:util"

/** What stands where a secret would. */
export const hidden = "•••"

/** A value that no console, notebook, log or JSON shows. Whoever needs it says so: `reveal()`. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return hidden
  }

  toJSON(): string {
    return hidden
  }

  [inspect.custom](): string {
    return hidden
  }
}
