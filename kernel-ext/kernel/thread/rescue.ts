import { type Debugger, Session } from "node:inspector"
import { join, sep } from "node:path"
import { pathToFileURL } from "node:url"

/**
 * Ends whatever JavaScript keeps the main thread busy, from this other thread: for loops that run in a timer, an event or after an
 * `await`, where no `vm` call stands around the code that could be told to stop.
 *
 * V8 can terminate the running JavaScript, and the event loop goes on with the next event. Only Node's own book-keeping of
 * asynchronous contexts does not expect it: entries of the terminated calls stay on its stack, and Node then aborts the process. So
 * the code is paused, as a debugger does, the stack is emptied with Node's own functions, which are within the inspector's reach as the
 * scope of a public method, and only then the code is terminated.
 *
 * The kernel's own code and the compiler, in the folders `own`, are left alone: they come to an end, and must not be left half way.
 */
export async function terminateMainThread(
  stillBusy: () => boolean,
  options: { readonly own: readonly string[] },
): Promise<Rescue> {
  const session = new Session()
  session.connectToMainThread()
  try {
    const post = poster(session)
    const urls = new Map<string, string>()
    session.on("Debugger.scriptParsed", ({ params }) => urls.set(params.scriptId, params.url))
    await post("Debugger.enable", {})
    for (let left = PAUSES; ; left--) {
      const frames = await pause(session, post, urls)
      if (frames === undefined) return "not paused"
      // The main thread may have come round before it was paused; then this is other code than we were called for.
      const terminateOnResume = stillBusy() && hasForeign(frames, options.own)
      if (terminateOnResume) {
        await emptyContextStack(post)
        await leaveImmediate(post, frames)
      }
      await post("Debugger.resume", { terminateOnResume })
      if (terminateOnResume) return "terminated"
      const isBetween = frames.every(({ url }) => url.startsWith("node:"))
      if (!isBetween || left === 0 || !stillBusy()) return "left alone"
    }
  } finally {
    await letGo(session)
  }
}

/** Ends the session so that no pause is left behind, not one either that comes late: nobody would end it. */
async function letGo(session: Session): Promise<void> {
  const post = poster(session)
  session.on("Debugger.paused", () => void post("Debugger.resume", {}).catch(() => {}))
  // An error where nothing is paused.
  const resumed = post("Debugger.resume", {}).catch(() => {})
  const disabled = post("Debugger.disable", {}).catch(() => {})
  const late = new Promise((resolve) => setTimeout(resolve, LONGEST_PAUSE_MS))
  await Promise.race([Promise.all([resumed, disabled]), late])
  session.disconnect()
}

/** What was done to the code: "not paused" where it is in native code, for example. */
export type Rescue = "terminated" | "left alone" | "not paused"

interface Frame {
  readonly callFrameId: string
  readonly functionName: string
  /** Of its script: a path, the URL of a module, or empty where code was made from a string. */
  readonly url: string
}

/**
 * Node runs immediates from a list that it takes on to the next in a `finally`, which termination passes over. Without this it would
 * try the terminated one again, for ever.
 */
async function leaveImmediate(post: Post, frames: readonly Frame[]): Promise<void> {
  const frame = frames.find(
    ({ functionName, url }) => functionName === "processImmediate" && url.startsWith("node:"),
  )
  if (frame === undefined) return
  await post("Debugger.evaluateOnCallFrame", {
    callFrameId: frame.callFrameId,
    expression: "outstandingQueue.head = immediate._destroyed ? immediate._idleNext : immediate",
    silent: true,
  })
}

/** Pauses the main thread; undefined where it does not come to a pause. */
function pause(
  session: Session,
  post: Post,
  urls: ReadonlyMap<string, string>,
): Promise<readonly Frame[] | undefined> {
  return new Promise((resolve, reject) => {
    session.once("Debugger.paused", ({ params }) => {
      // A call frame's own `url` is always empty.
      const frame = ({ callFrameId, functionName, location }: Debugger.CallFrame): Frame => {
        return { callFrameId, functionName, url: urls.get(location.scriptId) ?? "" }
      }
      resolve(params.callFrames.map(frame))
    })
    setTimeout(resolve, LONGEST_PAUSE_MS, undefined)
    post("Debugger.pause", {}).catch(reject)
  })
}

/** Whether one of the calls is in code that is neither Node's nor the kernel's. */
function hasForeign(frames: readonly Frame[], own: readonly string[]): boolean {
  const starts = ["node:", ...own.flatMap((folder) => [join(folder, sep), `${pathToFileURL(folder).href}/`])]
  return frames.some(({ url }) => !starts.some((start) => url.startsWith(start)))
}

const LONGEST_PAUSE_MS = 500

/** How often we pause again at once where Node's own code alone was paused, for example between two steps of a loop of awaits. */
const PAUSES = 30

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
