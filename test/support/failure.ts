/** What a promise rejects with; rejects itself where that one resolves. */
export async function failureOf<E extends Error = Error>(promise: PromiseLike<unknown>): Promise<E> {
  let value: unknown
  try {
    value = await promise
  } catch (reason) {
    return reason as E
  }
  throw new Error(`It did not fail, but gave ${String(value)}.`)
}
