import { type Debugger, Session } from "node:inspector"
import { join, sep } from "node:path"
import { pathToFileURL } from "node:url"
import { IS_INTERRUPTED, KEPT } from "./kept.ts"
import { Board, Hold } from "./link.ts"

/**
 * Ends whatever JavaScript of the user keeps the main thread busy, from this other thread.
 *
 * V8 can terminate the running JavaScript, and the event loop goes on with the next event. Only Node's own book-keeping of
 * asynchronous contexts does not expect it: entries of the terminated calls stay on its stack, and Node then aborts the process. So
 * the code is paused, as a debugger does, the stack is emptied with Node's own functions, which are within the inspector's reach as the
 * scope of a public method, and only then the code is terminated.
 *
 * The kernel's own code and that of the folders `own` is left alone: it comes to an end, and must not be left half way.
 */
export async function terminateMainThread(
  stillBusy: () => boolean,
  board: Int32Array,
  own: readonly string[],
  whose: Whose = "anyone's",
): Promise<Rescue> {
  // Until it is given back the main thread begins no work of its own; own-work.ts says why none may be looked into.
  if (Atomics.compareExchange(board, Board.hold, Hold.nobody, Hold.helper) !== Hold.nobody) {
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    return "left alone"
  }
  try {
    return await terminateUsers(stillBusy, board, own, whose)
  } finally {
    Atomics.store(board, Board.hold, Hold.nobody)
    Atomics.notify(board, Board.hold)
  }
}

async function terminateUsers(
  stillBusy: () => boolean,
  board: Int32Array,
  own: readonly string[],
  whose: Whose,
): Promise<Rescue> {
  const session = new Session()
  session.connectToMainThread()
  try {
    const post = poster(session)
    const urls = new Map<string, string>()
    session.on("Debugger.scriptParsed", ({ params }) => urls.set(params.scriptId, params.url))
    await post("Debugger.enable", {})
    let way: Way = "pause"
    for (let left = PAUSES; ; left--) {
      const frames = await pause(session, way, urls)
      if (frames === undefined) return "not paused"
      const place = placeOf(frames, own)
      // The main thread may have come round before it was paused; then this is other code than we were called for.
      const isOver = !stillBusy() || place === "own" || left === 0
      if (isOver || (whose === "an interrupted cell's" && !(await isOfInterrupted(post, frames)))) {
        await post("Debugger.resume", {})
        return "left alone"
      }
      if (place === "user's" || (place === "called by user's" && left <= PAUSES / 2)) {
        await keepValues(post, frames, own)
        await emptyContextStack(post)
        await leaveImmediate(post, frames)
        // Before it goes on: the next thing that it does may be to hear of the interrupt, and then it must know.
        Atomics.store(board, Board.terminated, 1)
        await post("Debugger.resume", { terminateOnResume: true })
        return "terminated"
      }
      way = place === "between" ? "stepInto" : "stepOut"
    }
  } finally {
    await letGo(session)
  }
}

/** Which code may be ended: any that keeps the main thread busy, or only that of cells which were interrupted before. */
export type Whose = "anyone's" | "an interrupted cell's"

async function isOfInterrupted(post: Post, [innermost]: readonly Frame[]): Promise<boolean> {
  if (innermost === undefined) return false
  const answer = await post("Debugger.evaluateOnCallFrame", {
    callFrameId: innermost.callFrameId,
    expression: `globalThis.${IS_INTERRUPTED}?.()`,
    silent: true,
    returnByValue: true,
  })
  return single(answer)?.value === true
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

type Way = "pause" | "stepInto" | "stepOut"

/** Pauses the main thread, or lets it go on until the innermost call has returned; undefined where it does not come to that. */
function pause(
  session: Session,
  way: Way,
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
    poster(session)(`Debugger.${way}`, {}).catch(reject)
  })
}

/**
 * Whose code it is that was paused: that of Node alone ("between", say, two steps of a loop of awaits), the kernel's own, the
 * user's, or what the user's has called: console.log, say, which is better not ended half way, or one of Node's promise hooks,
 * which swallow it.
 */
type Place = "between" | "own" | "user's" | "called by user's"

function placeOf(frames: readonly Frame[], own: readonly string[]): Place {
  const owners = frames.map((frame) => ownerOf(frame, own))
  if (owners[0] === "user") return "user's"
  if (owners.includes("user")) return "called by user's"
  return owners.includes("kernel") ? "own" : "between"
}

function ownerOf({ url }: Frame, own: readonly string[]): "node" | "kernel" | "user" {
  if (url.startsWith("node:")) return "node"
  const starts = own.flatMap((folder) => [join(folder, sep), `${pathToFileURL(folder).href}/`])
  return starts.some((start) => url.startsWith(start)) ? "kernel" : "user"
}

/** Does what the code of cells would have done in a `finally`; see kept.ts. */
async function keepValues(post: Post, frames: readonly Frame[], own: readonly string[]): Promise<void> {
  for (const frame of frames.filter((each) => ownerOf(each, own) === "user").slice(-MOST_FRAMES)) {
    const { callFrameId } = frame
    const kept = await post("Debugger.evaluateOnCallFrame", {
      callFrameId,
      expression: `typeof ${KEPT} === "string" ? ${KEPT} : undefined`,
      silent: true,
      returnByValue: true,
    })
    const expression = single(kept)?.value
    if (typeof expression !== "string") continue
    await post("Debugger.evaluateOnCallFrame", { callFrameId, expression, silent: true })
  }
}

/** We ask so many calls, the outermost, what is to be kept: a recursion may have thousands. */
const MOST_FRAMES = 50

/** How long the main thread may work on before we look again. */
const RETRY_MS = 20

const LONGEST_PAUSE_MS = 250

/** How often we pause again at once in the hope for a better place. */
const PAUSES = 60

type Post = (method: string, parameters: object) => Promise<Reply>

interface Remote {
  readonly objectId?: string
  readonly value?: unknown
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
    if (result?.value === true) return
  }
}

function single(reply: Reply): Remote | undefined {
  return Array.isArray(reply.result) ? undefined : (reply.result as Remote | undefined)
}

async function properties(post: Post, remote: Remote | undefined): Promise<Reply> {
  if (remote?.objectId === undefined) return {}
  return post("Runtime.getProperties", { objectId: remote.objectId, ownProperties: true })
}
