import type { CodeEngine, CodeEngineOptions } from "../../../kernel-ext/backends/code_engine/code-engine.ts"
import type { CodeEngineServer } from "../../support/servers/code-engine.ts"
import type { FailuresOf } from "../serverless/failures.ts"

/** What Code Engine says before a task runs, the same of apps and functions. */
export function codeEnginesRefusals(
  at: (options: Partial<CodeEngineOptions>) => CodeEngine,
  server: () => CodeEngineServer,
  collection: "apps" | "functions",
): FailuresOf["refused"] {
  return {
    "credentials missing": {
      kind: "credentials",
      says: /need an API key of IBM Cloud: IBMCLOUD_API_KEY, or `apiKey` .*https:\/\/cloud\.ibm\.com\/iam\/apikeys makes one/,
      make: () => at({ apiKey: () => "" }),
    },
    "credentials wrong": {
      kind: "credentials",
      says: /could not give a token: the API key is not right; look at `apiKey`.*Provided API key/,
      make: () => at({ apiKey: () => "another" }),
    },
    region: {
      kind: "region",
      says: /need a region: option `region`, such as eu-de/,
      make: () => at({ region: undefined, endpoint: undefined }),
    },
    quota: {
      kind: "quota",
      says: /the project has as much as it may have; `cellfan runtime list` and `cellfan clean` show and delete/,
      plan: () =>
        server().planned.set(`POST /v2/projects/{project_id}/${collection}`, [
          { status: 400, body: { errors: [{ code: "x", message: `Quota of ${collection} exceeded.` }] } },
        ]),
      make: () => at({ memoryMiB: 2048 }),
    },
  }
}
