import { outOfMemory, timeoutHint } from "../serverless/hints.ts"
import { byStatus, type Meaning, messageIn, type Refusal } from "../serverless/http.ts"
import type { Death, FunctionSize } from "../serverless/platform.ts"
import { openWhiskLimits } from "./limits.ts"

/** What OpenWhisk's errors and those of its activations mean, and what can be done about them. */

const platform = { title: "OpenWhisk", limits: openWhiskLimits }

export function meaningOf({ status, text }: Refusal): Meaning | undefined {
  const said = messageIn(text)
  if (status === 401)
    return {
      kind: "credentials",
      what: "the key is not right; look at `apiKey` in the section openwhisk, and at AUTH in ~/.wskprops",
    }
  if (status === 403)
    return {
      kind: "access-denied",
      what: `this key may not use the namespace; look at \`namespace\`: ${said}`,
    }
  if (status === 429)
    return {
      kind: "throttled",
      what: `the namespace has as many activations as it may; cellfan waits and calls again: ${said}`,
    }
  if (status === 413)
    return {
      kind: "too-large",
      what: `the request is larger than OpenWhisk takes; configure storage, which larger ones go through: ${said}`,
    }
  if (status === 400 && /runtime .* not supported/i.test(said))
    return { kind: "setup", what: `it has not this Node.js; option \`runtime\` takes another: ${said}` }
  if (status === 400 && /memory .*threshold/i.test(said))
    return { kind: "quota", what: `it allows no actions of that size; look at \`memoryMiB\`: ${said}` }
  if (status === 400 && /milliseconds .*threshold|timeout/i.test(said))
    return { kind: "quota", what: `it allows no actions that run so long; look at \`timeoutMs\`: ${said}` }
  return byStatus(status, text)
}

/** What an error of the network means, of which the client tells but the words. Undefined: it is one that all services have. */
export function meaningOfWords(words: string): Meaning | undefined {
  if (/certificate/i.test(words))
    return {
      kind: "setup",
      what: `its certificate is not trusted; option \`insecure\`, or INSECURE_SSL in ~/.wskprops, takes it as it is: ${words}`,
    }
  if (/Protocol "http:" not supported/.test(words))
    return {
      kind: "setup",
      what: "HTTPS_PROXY or HTTP_PROXY leads through a proxy, which OpenWhisk's client would give the key to in the clear; name the host in NO_PROXY, and it is spoken to directly",
    }
  return undefined
}

/** What became of an action that gave no answer of its own: `error` of its activation's result. */
export function deathOf(error: string, size: FunctionSize): Death {
  if (/exhausted its memory/.test(error))
    return { kind: "out-of-memory", reason: outOfMemory(size, platform) }
  if (
    /during initialization|did not initialize|Initialization has failed|Failed to pull|failed during init/i.test(
      error,
    )
  )
    return { kind: "init", reason: `could not start: ${error}` }
  if (/exceeded its time limits/.test(error))
    return { kind: "timeout", reason: `was ended by OpenWhisk ${timeoutHint(size, platform)}` }
  if (/exceeded the allowed length/.test(error))
    return { kind: "too-large", reason: `gave an answer larger than OpenWhisk takes: ${error.slice(0, 200)}` }
  if (/exited unexpectedly/.test(error))
    return {
      kind: "crashed",
      reason: `ended: ${error} Where that is for lack of memory, a larger \`memoryMiB\` helps: the action has ${size.memoryMiB}.`,
    }
  return { kind: "crashed", reason: `ended: ${error}` }
}
