import { readFileSync } from "node:fs"
import { isMainThread } from "node:worker_threads"
import { makeInstance, numberIn, runInstanceThread } from "../serverless/http-instance.ts"

/**
 * A container that takes calls by HTTP: on Cloud Run, Knative, Code Engine, and whatever else runs containers so. Beside what
 * http-instance.ts reads:
 *
 *     PORT                  where it listens (default: 8080)
 *     CELLFAN_TOKEN         what calls must carry; or the file that has it: CELLFAN_TOKEN_FILE
 *     CELLFAN_AUTH          "platform": no token is needed, since the platform lets through only who may call
 */

const { env } = process

if (isMainThread) await start()
else runInstanceThread()

async function start(): Promise<void> {
  const { name, server } = makeInstance({
    threadFile: new URL(import.meta.url),
    token: tokenOf(),
    onSpent: end,
  })
  // The first process of a container has no handlers of the system's. Whoever sent the signal ends what takes too long.
  process.once("SIGTERM", end).once("SIGINT", end)
  const port = await server.listen(numberIn("PORT", 8080))
  console.log(`${name} takes calls on port ${port}.`)

  function end(): void {
    void server.close().then(() => process.exit(0))
  }
}

function tokenOf(): string | undefined {
  if (env.CELLFAN_AUTH === "platform") return undefined
  const file = env.CELLFAN_TOKEN_FILE
  const token = file === undefined ? env.CELLFAN_TOKEN : readFileSync(file, "utf8").trim()
  // Tasks have no business with it.
  delete env.CELLFAN_TOKEN
  if (token !== undefined && token.length >= 16) return token
  throw new Error(
    "Whoever can call this worker can run code in it. Set CELLFAN_TOKEN to a secret of 16 characters or more, or CELLFAN_AUTH=platform where only those who may call get through.",
  )
}
