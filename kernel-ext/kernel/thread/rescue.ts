import { Session } from "node:inspector"

/**
 * Ends whatever JavaScript keeps the main thread busy, from this other thread: for loops that run in a timer, an event or after an
 * `await`, where no `vm` call stands around the code that could be told to stop.
 *
 * V8 can terminate the running JavaScript, and the event loop goes on with the next event. Only Node's own book-keeping of
 * asynchronous contexts does not expect it: entries of the terminated calls stay on its stack, and Node then aborts the process. So
 * the stack is emptied first, with Node's own functions, which are within reach of the inspector as the scope of a public method.
 *
 * Code of the file `spare` is left alone: the compiler keeps state that must not be left half made.
 */
export async function terminateMainThread(
  stillBusy: () => boolean,
  options: { readonly spare: string | undefined },
): Promise<void> {
  const session = new Session()
  session.connectToMainThread()
  try {
    const post = poster(session)
    if (options.spare !== undefined && (await stack(post)).includes(options.spare)) return
    await emptyContextStack(post)
    // The main thread may have come round meanwhile; then there is nothing to end.
    if (stillBusy()) await post("Runtime.terminateExecution", {})
  } finally {
    session.disconnect()
  }
}

/** Frames of the code that is running on the main thread at this moment. */
async function stack(post: Post): Promise<string> {
  const reply = single(await post("Runtime.evaluate", { expression: STACK, returnByValue: true }))
  return reply !== undefined && "value" in reply ? String(reply.value) : ""
}

const STACK = `(() => {
  const { stackTraceLimit, prepareStackTrace } = Error
  try {
    Error.stackTraceLimit = Infinity
    Error.prepareStackTrace = undefined
    return new Error().stack
  } finally {
    Object.assign(Error, { stackTraceLimit, prepareStackTrace })
  }
})()`

type Post = (method: string, parameters: object) => Promise<Reply>

interface Remote {
  readonly objectId?: string
}

interface Reply {
  readonly result?: Remote | readonly { readonly name: string; readonly value?: Remote }[]
  readonly internalProperties?: readonly { readonly name: string; readonly value?: Remote }[]
}

function poster(session: Session): Post {
  return (method, parameters) =>
    new Promise((resolve, reject) => {
      session.post(method, parameters, (error: Error | null, reply?: object) => {
        if (error) reject(error)
        else resolve(reply ?? {})
      })
    })
}

/** Called on an entry of [[Scopes]]: an object of the scope's type and its variables. */
const EMPTY_THE_STACK = `function () {
  const { hasAsyncIdStack, emitAfter } = this.object
  if (typeof hasAsyncIdStack !== "function" || typeof emitAfter !== "function") return false
  const { executionAsyncId } = process.getBuiltinModule("node:async_hooks")
  for (let left = 10000; left > 0 && hasAsyncIdStack(); left--) emitAfter(executionAsyncId())
  return true
}`

async function emptyContextStack(post: Post): Promise<void> {
  const method = await post("Runtime.evaluate", {
    expression: `process.getBuiltinModule("node:async_hooks").AsyncResource.prototype.runInAsyncScope`,
  })
  const scopes = (await properties(post, single(method))).internalProperties?.find(
    ({ name }) => name === "[[Scopes]]",
  )
  const listed = (await properties(post, scopes?.value)).result
  if (!Array.isArray(listed)) return
  for (const { value } of listed) {
    if (value?.objectId === undefined) continue
    const done = await post("Runtime.callFunctionOn", {
      objectId: value.objectId,
      functionDeclaration: EMPTY_THE_STACK,
      returnByValue: true,
    })
    const result = single(done)
    if (result !== undefined && "value" in result && result.value === true) return
  }
}

function single(reply: Reply): Remote | undefined {
  return Array.isArray(reply.result) ? undefined : (reply.result as Remote | undefined)
}

async function properties(post: Post, remote: Remote | undefined): Promise<Reply> {
  if (remote?.objectId === undefined) return {}
  return post("Runtime.getProperties", { objectId: remote.objectId, ownProperties: true })
}
