import { sha256 } from "../util/sha256.ts"

/**
 * For what cannot be sent: clients, connections, compiled models. Each worker builds its own, once, when a function
 * that refers to it first arrives there. This process builds one only if it uses it.
 *
 * @param build Runs in the worker. It may be async: then what it returns is to be awaited, as anywhere.
 *
 * @example
 * ```ts
 * const client = perWorker(() => new S3Client({ region: "eu-west-1" }))
 * await fexec.map((key: string) => client.send(new HeadObjectCommand({ Bucket: "b", Key: key })), keys)
 * ```
 */
export function perWorker<T extends object>(build: () => T): T {
  if (typeof build !== "function") {
    throw new TypeError(`perWorker takes a function that builds something; got ${typeof build}`)
  }
  let built: { value: T } | undefined
  const here = (): T => {
    built ??= { value: build() }
    return built.value
  }
  const standIn = new Proxy({}, handlerFor(here)) as T
  recipes.set(standIn, { id: idFor(build), build })
  return standIn
}

export interface Recipe {
  /** Names what was built in each worker for this process, whichever function refers to it. */
  readonly id: string
  readonly build: () => object
}

const recipes = new WeakMap<object, Recipe>()

/**
 * Has `value` travel as what a recipe builds: for objects of ours that mean something else in a worker than here.
 * The recipe's function is captured like any other; its id is to be the same wherever it builds the same.
 */
export function travelsAs(value: object, recipe: Recipe): void {
  recipes.set(value, recipe)
}

/** How workers build `value`, if it is a stand-in made here, or has a recipe of its own. */
export function recipeOf(value: object): Recipe | undefined {
  return recipes.get(value)
}

/** How often perWorker was called with a function of this text. */
const calls = new Map<string, number>()

/**
 * By the builder's text and the order of such calls: the ids are part of what is captured, and a notebook that runs again
 * elsewhere is to capture the same.
 */
function idFor(build: () => object): string {
  const text = sha256().update(String(build)).digest("hex").slice(0, 16)
  const count = (calls.get(text) ?? 0) + 1
  calls.set(text, count)
  return `${text}-${count}`
}

/** Everything goes to what `here` builds; its methods get the thing itself as `this`, because of private fields. */
function handlerFor(here: () => object): ProxyHandler<object> {
  return {
    get(_, key) {
      const thing = here()
      const value: unknown = Reflect.get(thing, key, thing)
      return typeof value === "function" ? value.bind(thing) : value
    },
    set: (_, key, value) => Reflect.set(here(), key, value),
    has: (_, key) => Reflect.has(here(), key),
    deleteProperty: (_, key) => Reflect.deleteProperty(here(), key),
    getPrototypeOf: () => Reflect.getPrototypeOf(here()),
  }
}
