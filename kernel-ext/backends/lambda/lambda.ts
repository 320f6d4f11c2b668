import { cellfanVersion } from "../../util/version.ts"
import { reach } from "../aws-errors.ts"
import { KnownPlatform } from "../serverless/known-platform.ts"
import type { Callable, Deploying, FunctionSize, ListedFunction, Platform } from "../serverless/platform.ts"
import { listFunctions, removeFunction } from "./catalog.ts"
import { deploy } from "./deploy.ts"
import { tell } from "./errors.ts"
import { type LambdaFactsOptions, lambdaFacts } from "./facts.ts"
import { type FunctionCode, ownCode } from "./function-code.ts"
import { invoke } from "./invoke.ts"
import { lambdaLimits } from "./limits.ts"
import { costOf, listPrices, type Prices } from "./prices.ts"
import { runtimeFor } from "./runtime.ts"
import { type AwsAccess, type LambdaClient, type LambdaSdk, lambdaSdk, openLambda } from "./sdk.ts"

/**
 * Functions on Amazon Lambda.
 *
 *     lambda.ts           what ../serverless has to know of it
 *     invoke.ts           one call, and its answer
 *     deploy.ts           making a function, or finding it; function-code.ts what it is made of, role.ts what it runs as
 *     catalog.ts          which functions there are, and deleting them
 *     runtime.ts          which Node.js they run
 *     facts.ts            what is known of it before this is loaded
 *     limits.ts           what it allows
 *     errors.ts           what its errors mean, and what can be done
 *     policy.ts           the rights that are needed
 *     prices.ts           what calls cost
 *     sdk.ts              Amazon's SDK
 */
export interface LambdaOptions extends LambdaFactsOptions {
  readonly access: AwsAccess
  /** Calls that run at once: so many connections it may open. */
  readonly workers: number
  readonly architecture: "x86_64" | "arm64"
  readonly ephemeralStorageMiB: number
  readonly roleArn?: string | undefined
  readonly namespace?: string | undefined
  /** Environment variables and tags of the functions. */
  readonly env?: Readonly<Record<string, string>>
  readonly tags?: Readonly<Record<string, string>>
  /** Default: cellfan's own, on the Node.js nearest to this one; or a function of another make. */
  readonly code?: FunctionCode
  readonly prices?: Partial<Prices>
}

interface Opened {
  readonly client: LambdaClient
  readonly sdk: LambdaSdk
  readonly region: string
}

export class Lambda extends KnownPlatform implements Platform {
  readonly #options: LambdaOptions
  #opened: Opened | undefined

  constructor(options: LambdaOptions) {
    super(lambdaFacts(options))
    this.#options = options
  }

  async open(): Promise<string> {
    const { access, workers } = this.#options
    const sdk = await lambdaSdk()
    const make = () => openLambda(access, workers, lambdaLimits.timeoutMs)
    const { client, region } = await reach(make, access, tell)
    this.#opened = { client, sdk, region }
    return region
  }

  async deploy(size: FunctionSize, around: Deploying): Promise<Callable> {
    const { architecture, ephemeralStorageMiB, namespace, roleArn, code, access } = this.#options
    const { env = {}, tags = {} } = this.#options
    const streaming = this.streams ? { CELLFAN_STREAMS: "1" } : {}
    const spec = {
      ...{ ...size, architecture, ephemeralStorageMiB, namespace, roleArn, tags, shard: around.shard },
      env: { ...env, ...streaming },
      code: code ?? ownCode(runtimeFor()),
    }
    const opened = this.#opened as Opened
    const name = await deploy(spec, { ...around, ...opened, access, version: cellfanVersion() })
    const { endpoint } = access
    const { streams } = this
    return {
      name,
      call: (event, answer, signal) =>
        invoke({ ...opened, endpoint, functionName: name, size, streams, event, answer, signal }),
    }
  }

  list(): Promise<readonly ListedFunction[]> {
    const { client, sdk } = this.#opened as Opened
    return this.#told("list functions", () => listFunctions(sdk, client, this.#options.namespace))
  }

  remove(name: string): Promise<boolean> {
    const { client, sdk } = this.#opened as Opened
    return this.#told(`delete the function ${name}`, () => removeFunction(sdk, client, name))
  }

  costUsd(billedMs: number, { memoryMiB }: FunctionSize): number {
    const { prices, architecture, ephemeralStorageMiB } = this.#options
    const inForce = { ...listPrices[architecture], ...prices }
    return costOf(billedMs, { memoryMiB, ephemeralStorageMiB }, inForce)
  }

  close(): void {
    this.#opened?.client.destroy()
  }

  async #told<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      const { endpoint } = this.#options.access
      throw tell(error, { doing, region: this.#opened?.region ?? "?", endpoint })
    }
  }
}
