/** A request says something that its type does not take. */
export class ContentError extends TypeError {}

/** Reads the fields of a request's content; a wrong one is a ContentError that names it. */
export class Content {
  readonly #type: string
  readonly #fields: Readonly<Record<string, unknown>>

  constructor(type: string, fields: Readonly<Record<string, unknown>>) {
    this.#type = type
    this.#fields = fields
  }

  string(key: string, fallback?: string): string {
    return this.#read(key, fallback, "a string", (value) => typeof value === "string")
  }

  boolean(key: string, fallback: boolean): boolean {
    return this.#read(key, fallback, "true or false", (value) => typeof value === "boolean")
  }

  integer(key: string, fallback?: number): number {
    return this.#read(key, fallback, "a whole number", Number.isInteger)
  }

  /** An integer that may be absent. */
  optionalInteger(key: string): number | undefined {
    return (this.#fields[key] ?? undefined) === undefined ? undefined : this.integer(key)
  }

  /** Strings by name. */
  strings(key: string): Readonly<Record<string, string>> {
    return this.#read<Record<string, string>>(key, {}, "an object of strings", (value) => {
      const isObject = typeof value === "object" && value !== null && !Array.isArray(value)
      return isObject && Object.values(value).every((each) => typeof each === "string")
    })
  }

  #read<T>(key: string, fallback: T | undefined, taken: string, fits: (value: unknown) => boolean): T {
    const value = this.#fields[key] ?? fallback
    if (!fits(value)) {
      const got = value === undefined ? "missing" : JSON.stringify(value).slice(0, 100)
      throw new ContentError(`"${key}" of ${this.#type} is ${got}; it takes ${taken}`)
    }
    return value as T
  }
}
