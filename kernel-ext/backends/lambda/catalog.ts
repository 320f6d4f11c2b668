import type { ListedFunction } from "../serverless/platform.ts"
import { namePrefix, versionTag } from "./deploy.ts"
import type { LambdaClient, LambdaSdk } from "./sdk.ts"

/** The functions of cellfan in the region, or those of one namespace. */
export async function listFunctions(
  sdk: LambdaSdk,
  client: LambdaClient,
  namespace?: string,
): Promise<ListedFunction[]> {
  const found: ListedFunction[] = []
  const begins = namespace === undefined ? namePrefix : `${namePrefix}${namespace}-`
  for await (const { Functions = [] } of sdk.paginateListFunctions({ client }, {})) {
    for (const { FunctionName: name = "", FunctionArn, ...fn } of Functions) {
      if (!name.startsWith(begins) || !/mib-[0-9a-f]{16}$/.test(name)) continue
      const { Tags } = await client.send(new sdk.ListTagsCommand({ Resource: FunctionArn }))
      // Somebody may have given such a name to a function of their own.
      if (Tags?.[versionTag] === undefined) continue
      found.push({
        name,
        memoryMiB: fn.MemorySize ?? 0,
        timeoutMs: 1000 * (fn.Timeout ?? 0),
        runtime: fn.Runtime ?? "",
        architecture: fn.Architectures?.[0] ?? "x86_64",
        codeBytes: fn.CodeSize ?? 0,
        modifiedAt: fn.LastModified ?? "",
        version: Tags[versionTag],
      })
    }
  }
  return found
}

/** Deletes one function. Whether it was there. */
export async function removeFunction(sdk: LambdaSdk, client: LambdaClient, name: string): Promise<boolean> {
  try {
    await client.send(new sdk.DeleteFunctionCommand({ FunctionName: name }))
    return true
  } catch (error) {
    if (error instanceof sdk.ResourceNotFoundException) return false
    throw error
  }
}
