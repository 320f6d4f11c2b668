import type { FunctionSize, ListedFunction } from "../serverless/platform.ts"
import type { InstanceSize } from "./sizes.ts"

/**
 * What Code Engine runs tasks as. Beside each stands a secret of the same name, which has the token that calls must carry: addresses are open to
 * the world.
 */
export interface Workload {
  readonly noun: "app" | "function"
  /** Of the interface's paths and answers. */
  readonly collection: "apps" | "functions"
  /** @throws RangeError where there is none of that size. */
  instanceOf(memoryMiB: number): InstanceSize
  /** All that makes one differ from others. */
  specOf(size: FunctionSize, instance: InstanceSize): WorkloadSpec
  /** What the secret holds beside the token. */
  secret(): Readonly<Record<string, string>>
  /** The body that makes it, with a secret that is there. */
  bodyOf(name: string, spec: WorkloadSpec): object
  listed(found: FoundWorkload): ListedFunction
  /** Of calls. */
  readonly contentType: string
}

export interface WorkloadSpec {
  readonly scale_cpu_limit: string
  readonly scale_memory_limit: string
}

/** As the interface shows it, as far as both have it and it is used here. */
export interface FoundWorkload extends WorkloadSpec {
  readonly name: string
  readonly endpoint?: string
  readonly status?: string
  readonly status_details?: { readonly reason?: string }
  readonly created_at?: string
  readonly run_env_variables?: readonly { readonly name?: string; readonly value?: string }[]
}

export const versionVariable = "CELLFAN_VERSION"

/** Variables as both take them. */
export function literals(variables: Readonly<Record<string, string>>): object[] {
  return Object.entries(variables).map(([name, value]) => ({ type: "literal", name, value }))
}

export function listedAs(
  found: FoundWorkload,
  { timeoutSeconds, runtime }: { timeoutSeconds: number; runtime: string },
): ListedFunction {
  const [, number = "0", unit] = /^([\d.]+)([GM])/.exec(found.scale_memory_limit) ?? []
  return {
    name: found.name,
    memoryMiB: Math.round((unit === "G" ? 1024 : 1.024) * Number(number)),
    ...{ timeoutMs: 1000 * timeoutSeconds, runtime, architecture: "", modifiedAt: found.created_at ?? "" },
    version: found.run_env_variables?.find(({ name }) => name === versionVariable)?.value,
  }
}
