/** What both sides have had since the function was loaded, by number: its functions, classes, symbols, modules. */
export class Known {
  readonly #numbers = new Map<unknown, number>()
  readonly #values = new Map<number, { readonly value: unknown } | { readonly load: () => unknown }>()
  #next = 0
  /** Numbers below went with the function. */
  #shipped = 0

  /** The function is on its way: whoever runs it has what has a number by now. */
  ship(): void {
    this.#shipped = this.#next
  }

  /**
   * The number of what every worker has. What came later, with inputs, only those workers have that got these inputs:
   * for others it is described again, under the same number.
   */
  shippedNumberOf(value: unknown): number | undefined {
    const number = this.#numbers.get(value)
    return number !== undefined && number < this.#shipped ? number : undefined
  }

  numberOf(value: unknown): number | undefined {
    return this.#numbers.get(value)
  }

  has(number: number): boolean {
    return this.#values.has(number)
  }

  /** @throws RangeError for a number that was never given out. */
  valueOf(number: number): unknown {
    const entry = this.#values.get(number)
    if (entry === undefined) throw new RangeError(`The message refers to ${number}, which was never sent`)
    return "value" in entry ? entry.value : entry.load()
  }

  /** The number of `value`, new or not. */
  add(value: unknown): number {
    return this.#numbers.get(value) ?? this.set(this.#next, value)
  }

  /** A number for something that is loaded when it is first asked for. */
  addLazy(load: () => unknown): number {
    this.#values.set(this.#next, { load })
    return this.#next++
  }

  set(number: number, value: unknown): number {
    this.#numbers.set(value, number)
    this.#values.set(number, { value })
    this.#next = Math.max(this.#next, number + 1)
    return number
  }

  *values(): Generator<readonly [number, unknown]> {
    for (const [number, entry] of this.#values) if ("value" in entry) yield [number, entry.value]
  }
}
