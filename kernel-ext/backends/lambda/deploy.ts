import { createHash } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { BackendError } from "../../errors.ts"
import type { Where } from "../aws-errors.ts"
import { tell } from "./errors.ts"
import type { FunctionCode } from "./function-code.ts"
import { type FoundRole, findRole } from "./role.ts"
import { type AwsAccess, type LambdaClient, type LambdaSdk, lambdaSdk } from "./sdk.ts"

/** What a function is to be. Its name is made of all of it, so that who needs the same finds the same. */
export interface FunctionSpec {
  readonly memoryMiB: number
  readonly timeoutMs: number
  readonly architecture: "x86_64" | "arm64"
  readonly ephemeralStorageMiB: number
  readonly namespace?: string | undefined
  readonly env: Readonly<Record<string, string>>
  readonly tags: Readonly<Record<string, string>>
  readonly roleArn?: string | undefined
  readonly code: FunctionCode
  /** One of several that are the same, each with its own scaling. */
  readonly shard: number
}

export const namePrefix = "cellfan-"
export const versionTag = "cellfan:version"

export function functionName(spec: FunctionSpec): string {
  const { code, namespace, memoryMiB, tags: _, ...rest } = spec
  const { zip, runtime, handler } = code
  const hash = createHash("sha256")
    .update(zip)
    .update(JSON.stringify([runtime, handler, memoryMiB, rest]))
  const parts = [namespace, `${memoryMiB}mib`, hash.digest("hex").slice(0, 16)]
  return namePrefix + parts.filter((part) => part !== undefined).join("-")
}

/** What deploying needs to know of its surroundings. */
export interface Deploying {
  readonly access: AwsAccess
  readonly client: LambdaClient
  readonly region: string
  /** Told in one line of text what takes long. */
  readonly say: (text: string) => void
  readonly signal: AbortSignal
  /** Put into the functions' tags. */
  readonly version: string
}

/** How often a function that is being made is looked at, at first; then less and less often. */
const lookAfterMs = 200
const lookAtMostAfterMs = 2000

/** A role takes seconds until Lambda may assume it. */
const roleReadyWithinMs = 60_000

/** Makes the function, or finds that it is there; resolves with its name when it can be called. */
export async function deploy(spec: FunctionSpec, around: Deploying): Promise<string> {
  const name = functionName(spec)
  const sdk = await lambdaSdk()
  if (await isActive(sdk, name, around)) return name
  const { memoryMiB, code, architecture } = spec
  const began = performance.now()
  around.say(
    `Deploying ${name} to aws_lambda in ${around.region}: ${memoryMiB} MiB, ${code.runtime}, ${architecture} …`,
  )
  const role = await findRole(spec.roleArn, around)
  await create(sdk, name, spec, role, around)
  await untilActive(sdk, name, around)
  around.say(`Deployed ${name} in ${((performance.now() - began) / 1000).toFixed(1)} s`)
  return name
}

/** Another kernel may make it at the same moment: then that one's is as good. */
async function create(
  sdk: LambdaSdk,
  name: string,
  spec: FunctionSpec,
  role: FoundRole,
  around: Deploying,
): Promise<void> {
  const { code, memoryMiB, timeoutMs, architecture, ephemeralStorageMiB, env, tags } = spec
  const command = new sdk.CreateFunctionCommand({
    FunctionName: name,
    Description: "Runs tasks of cellfan. `cellfan clean` deletes it.",
    Runtime: code.runtime as NonNullable<
      ConstructorParameters<LambdaSdk["CreateFunctionCommand"]>[0]
    >["Runtime"],
    Handler: code.handler,
    Code: { ZipFile: code.zip },
    Role: role.arn,
    MemorySize: memoryMiB,
    Timeout: Math.ceil(timeoutMs / 1000),
    Architectures: [architecture],
    EphemeralStorage: { Size: ephemeralStorageMiB },
    Environment: { Variables: { ...env } },
    Tags: { ...tags, [versionTag]: around.version },
  })
  const end = performance.now() + (role.isNew ? roleReadyWithinMs : 0)
  for (let waitMs = 500; ; waitMs = Math.min(4000, waitMs * 2)) {
    try {
      await around.client.send(command, { abortSignal: around.signal })
      return
    } catch (error) {
      if (nameOf(error) === "ResourceConflictException") return
      const told = tell(error, where(`create the function ${name}`, around))
      const isRoleLate = told.kind === "role" && performance.now() < end
      if (!isRoleLate && !(told.retryable && waitMs < 4000)) throw told
      await sleep(waitMs, undefined, { signal: around.signal })
    }
  }
}

async function untilActive(sdk: LambdaSdk, name: string, around: Deploying): Promise<void> {
  for (let waitMs = lookAfterMs; !(await isActive(sdk, name, around)); ) {
    await sleep(waitMs, undefined, { signal: around.signal })
    waitMs = Math.min(lookAtMostAfterMs, waitMs * 1.5)
  }
}

/** False where it does not exist, or is still being made. One that could not be made is deleted, to be made anew. */
async function isActive(sdk: LambdaSdk, name: string, around: Deploying): Promise<boolean> {
  const found = await get(sdk, name, around)
  switch (found?.State) {
    case "Active":
    case "Inactive":
      return true
    case "Failed":
      await around.client.send(new sdk.DeleteFunctionCommand({ FunctionName: name }))
      throw new BackendError(
        `Lambda in ${around.region} could not make the function ${name}: ${found.StateReason ?? found.StateReasonCode ?? "it does not say why"}.`,
        { backend: "aws_lambda", kind: "init", retryable: false },
      )
    default:
      return false
  }
}

async function get(sdk: LambdaSdk, name: string, around: Deploying) {
  for (let tries = 1; ; tries++) {
    try {
      const command = new sdk.GetFunctionConfigurationCommand({ FunctionName: name })
      return await around.client.send(command, { abortSignal: around.signal })
    } catch (error) {
      if (nameOf(error) === "ResourceNotFoundException") return undefined
      const told = tell(error, where(`look for the function ${name}`, around))
      if (!told.retryable || tries >= 6) throw told
      await sleep(100 * 2 ** tries, undefined, { signal: around.signal })
    }
  }
}

function where(doing: string, { region, access }: Deploying): Where {
  return { doing, region, endpoint: access.endpoint }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : ""
}
