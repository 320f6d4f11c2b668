import { join } from "node:path"
import { pathToFileURL } from "node:url"

/**
 * Runs a handler on Lambda's Runtime API, where nothing but an operating system is given (`provided.al2023`).
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
const api = `http://${process.env.AWS_LAMBDA_RUNTIME_API}/2018-06-01/runtime`
const root = process.env.LAMBDA_TASK_ROOT ?? process.cwd()

const post = (path, value) => fetch(`${api}/${path}`, { method: "POST", body: JSON.stringify(value) })
const errorOf = (error) => ({
  errorType: error?.name ?? "Error",
  errorMessage: String(error?.message ?? error),
})

let handler
try {
  handler = (await import(pathToFileURL(join(root, "index.mjs")).href)).handler
} catch (error) {
  await post("init/error", { ...errorOf(error), errorType: "Runtime.ImportModuleError" })
  process.exit(1)
}

for (;;) {
  const next = await fetch(`${api}/invocation/next`)
  const id = next.headers.get("lambda-runtime-aws-request-id")
  const deadlineMs = Number(next.headers.get("lambda-runtime-deadline-ms"))
  const context = { awsRequestId: id, getRemainingTimeInMillis: () => deadlineMs - Date.now() }
  try {
    const answer = await handler(await next.json(), context)
    await post(`invocation/${id}/response`, answer)
  } catch (error) {
    await post(`invocation/${id}/error`, errorOf(error))
  }
}
