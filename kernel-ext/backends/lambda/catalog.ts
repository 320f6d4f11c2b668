import { namePrefix, versionTag } from "./deploy.ts"
import type { LambdaClient, LambdaSdk } from "./sdk.ts"

/** A function that cellfan has made. */
export interface ListedFunction {
  readonly name: string
  readonly memoryMiB: number
  readonly timeoutMs: number
  readonly runtime: string
  readonly architecture: string
  readonly codeBytes: number
  readonly modifiedAt: string
  /** Of cellfan that made it. */
  readonly version: string | undefined
}

/** Deletions at a time: Lambda takes 15 such requests a second. */
const atOnce = 5

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

/** Deletes all functions of cellfan, or those of one namespace. Resolves with their names. */
export async function removeFunctions(
  sdk: LambdaSdk,
  client: LambdaClient,
  namespace?: string,
): Promise<string[]> {
  const names = (await listFunctions(sdk, client, namespace)).map(({ name }) => name)
  for (let at = 0; at < names.length; at += atOnce)
    await Promise.all(names.slice(at, at + atOnce).map((name) => removeFunction(sdk, client, name)))
  return names
}
