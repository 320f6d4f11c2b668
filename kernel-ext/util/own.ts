/**
 * How objects of the library's own travel between processes: as the name of their kind and plain data, from which the same
 * class makes them anew on the other side. They are known by a mark, because one process may have two copies of the library.
 */

const mark = Symbol.for("cellfan.own")

/** A name, and data that JSON can write. No secrets: it stands in captures, inputs and results. */
export interface Travelling {
  readonly kind: string
  readonly data: unknown
}

const makers = new Map<string, (data: unknown) => object>()

/**
 * Makes instances of a class travel.
 *
 * @param describe Called for an instance. May throw for one that cannot be sent.
 * @param make Checks what it gets: it may come from a worker.
 */
export function letTravel<T extends object>(
  owner: { prototype: T },
  kind: string,
  describe: (value: T) => unknown,
  make: (data: unknown) => T,
): void {
  makers.set(kind, make)
  Object.defineProperty(owner.prototype, mark, {
    value(this: T): Travelling {
      return { kind, data: describe(this) }
    },
  })
}

/** What is sent in place of `value`; undefined where it is none of ours. */
export function travelling(value: object): Travelling | undefined {
  const describe: unknown = Reflect.get(value, mark)
  return typeof describe === "function" ? (describe.call(value) as Travelling) : undefined
}

export function arrive(kind: string, data: unknown): object {
  const make = makers.get(kind)
  if (make === undefined) throw new TypeError(`This side knows no ${kind}: its cellfan is older`)
  return make(data)
}
