import { byStatus, type Meaning, messageIn, noAnswer, type Refusal } from "../serverless/http.ts"

/** What the errors of a cluster and of Knative's gateways mean, and what can be done about them. */

/** Of the cluster's API. */
export function clusterMeaning({ status, text }: Refusal): Meaning | undefined {
  const said = messageIn(text)
  if (status === 401)
    return {
      kind: "credentials",
      what: `the cluster does not know who this is; log in to it again (\`kubectl get ksvc\` shows whether that works): ${said}`,
    }
  if (status === 403 && /exceeded quota/.test(said))
    return {
      kind: "quota",
      what: `the namespace has used up its quota; \`memoryMiB\` and \`workers\` may be smaller: ${said}`,
    }
  if (status === 403)
    return {
      kind: "access-denied",
      what: `these credentials may not do that; they need to get, list, create and delete services of serving.knative.dev and secrets: ${said}`,
    }
  if (status === 404 && /could not find the requested resource|page not found/.test(said))
    return {
      kind: "setup",
      what: "the cluster has no Knative Serving; https://knative.dev/docs/install says how it is installed",
    }
  if ((status === 400 || status === 422) && /denied the request|[Ii]nvalid/.test(said))
    return { kind: "setup", what: `Knative does not take the service: ${said}` }
  return byStatus(status, text)
}

/** Of calls: what stands between, and the worker itself. */
export function callMeaning(name: string, { status, text }: Refusal): Meaning | undefined {
  const said = messageIn(text)
  if (status === 401)
    return { kind: "not-found", what: "its token is another one: it was deployed anew. Run the cell again" }
  if (status === 404)
    return {
      kind: "not-found",
      what: `nothing answers at its URL: it was deleted since it was deployed, or the URL does not lead to the cluster; option \`ingressEndpoint\` is the address of its gateway: ${said}`,
    }
  if (status === 429)
    return { kind: "throttled", what: "all instances are busy; cellfan waits and calls again" }
  if (status === 503 && /overload|breaker|queue/.test(said))
    return { kind: "throttled", what: `all instances are busy; cellfan waits and calls again: ${said}` }
  if (status === 413)
    return {
      kind: "too-large",
      what: `the request is larger than what stands before the cluster takes; configure storage, which larger ones go through: ${said}`,
    }
  if (status >= 500)
    return noAnswer(said, `kubectl logs -l serving.knative.dev/service=${name} -c user-container`)
  return byStatus(status, text)
}

/** Why a service does not become ready, as its conditions say it. */
export function notReady(reason: string, message: string): Meaning {
  if (/image|pull/i.test(message))
    return { kind: "init", what: `its image cannot be had; option \`image\` takes another: ${message}` }
  if (/quota/i.test(message))
    return { kind: "quota", what: `the namespace has used up its quota: ${message}` }
  if (/unschedulable|Insufficient/i.test(message))
    return { kind: "quota", what: `no node has room for it; \`memoryMiB\` may be smaller: ${message}` }
  return { kind: "init", what: `it does not become ready (${reason}): ${message}` }
}
