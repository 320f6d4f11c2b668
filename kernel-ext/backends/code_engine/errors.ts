import { byStatus, type Meaning, messageIn, noAnswer, type Refusal } from "../serverless/http.ts"

/** What the errors of Code Engine, of IBM's IAM and of calls mean, and what can be done about them. */

export function iamMeaning({ status, text }: Refusal): Meaning | undefined {
  if (status !== 400 && status !== 401 && status !== 403) return undefined
  return {
    kind: "credentials",
    what: `the API key is not right; look at \`apiKey\` in the section code_engine, and at IBMCLOUD_API_KEY: ${messageIn(text)}`,
  }
}

export function managementMeaning({ status, text }: Refusal): Meaning | undefined {
  const said = messageIn(text)
  if (status === 401) return { kind: "credentials", what: `the API key is not accepted: ${said}` }
  if (/quota|limit.*(exceed|reach)|exceed.*limit/i.test(said))
    return {
      kind: "quota",
      what: `the project has as much as it may have; \`cellfan runtime list\` and \`cellfan clean\` show and delete what cellfan has there: ${said}`,
    }
  if (status === 403)
    return {
      kind: "access-denied",
      what: `this API key may not do that; it needs the roles Writer of the service and Viewer of its resource group: ${said}`,
    }
  if (status === 400 || status === 422)
    return { kind: "setup", what: `Code Engine does not take it: ${said}` }
  return byStatus(status, text)
}

/** @see https://cloud.ibm.com/docs/codeengine?topic=codeengine-fun-work for what functions answer with */
export function callMeaning(
  noun: "app" | "function",
  name: string,
  { status, text }: Refusal,
): Meaning | undefined {
  if (status === 401)
    return { kind: "not-found", what: "its token is another one: it was deployed anew. Run the cell again" }
  if (status === 404)
    return { kind: "not-found", what: "it was deleted since it was deployed. Run the cell again" }
  if (status === 429 || (status === 503 && /overload|queue/.test(text)))
    return { kind: "throttled", what: "all instances are busy; cellfan waits and calls again" }
  if (status === 299) return { kind: "timeout", what: "it took all its time, and was ended" }
  if (status === 413)
    return {
      kind: "too-large",
      what: "the request is larger than Code Engine takes; configure storage, which larger ones go through",
    }
  if (status === 416)
    return {
      kind: "too-large",
      what: "the answer is larger than Code Engine takes; configure storage, which larger ones go through",
    }
  if (status === 422) return { kind: "init", what: `its code does not load: ${messageIn(text)}` }
  if (status === 409 || status === 507)
    return {
      kind: "quota",
      what: `there is no room for it; a smaller \`memoryMiB\` may fit: ${messageIn(text)}`,
    }
  if (status >= 500) return noAnswer(messageIn(text), `ibmcloud ce ${noun} logs --name ${name}`)
  return byStatus(status, text)
}

/** Why an app or a function does not become ready, as its status says it. */
export function notReady(reason: string): Meaning {
  if (/image|pull|tar_header/.test(reason))
    return { kind: "init", what: `its image cannot be had (${reason}); option \`image\` takes another` }
  if (/no_code_bundle/.test(reason)) return { kind: "init", what: `its code was not taken (${reason})` }
  if (/waiting_for_resources/.test(reason))
    return {
      kind: "quota",
      what: `the project has no room for it (${reason}); \`workers\` or \`memoryMiB\` may be smaller`,
    }
  return { kind: "init", what: `it does not start (${reason})` }
}
