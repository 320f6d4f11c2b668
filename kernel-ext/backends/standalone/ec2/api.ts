import { setTimeout as sleep } from "node:timers/promises"
import { BackendError } from "../../../errors.ts"
import { reach } from "../../aws-errors.ts"
import { tell } from "./errors.ts"
import type { Ec2Options } from "./options.ts"
import type { Action } from "./policy.ts"
import {
  callOptions,
  type Ec2Client,
  type Ec2Sdk,
  ec2Sdk,
  type SsmClient,
  type SsmSdk,
  ssmSdk,
} from "./sdk.ts"

/** Calls of EC2: each names its right, is made again where that may help, and fails in our words. */

/** Calls that may fail one after the other for reasons that pass. */
const maxAttempts = 8
const longestPauseMs = 20_000

export class Ec2Api {
  readonly sdk: Ec2Sdk
  readonly region: string
  readonly #client: Ec2Client
  readonly #options: Ec2Options
  #ssm: { readonly sdk: SsmSdk; readonly client: SsmClient } | undefined

  private constructor(sdk: Ec2Sdk, client: Ec2Client, region: string, options: Ec2Options) {
    this.sdk = sdk
    this.region = region
    this.#client = client
    this.#options = options
  }

  /** @throws BackendError where region or credentials are missing. */
  static async open(options: Ec2Options): Promise<Ec2Api> {
    const sdk = await ec2Sdk()
    const { access } = options
    const { client, region } = await reach(() => new sdk.EC2Client(callOptions(access)), access, tell)
    return new Ec2Api(sdk, client, region, options)
  }

  /** @param doing Follows "EC2 in eu-west-1 could not". */
  call<T>(
    action: Action,
    doing: string,
    send: (client: Ec2Client, call: { abortSignal?: AbortSignal }) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.retrying(() => this.once(action, doing, send, signal), signal)
  }

  /** The same, once. */
  async once<T>(
    action: Action,
    doing: string,
    send: (client: Ec2Client, call: { abortSignal?: AbortSignal }) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    return this.#told(action, doing, () => send(this.#client, signal ? { abortSignal: signal } : {}), signal)
  }

  /** A call of Systems Manager, which has its own SDK. */
  async ssm<T>(
    action: Action,
    doing: string,
    send: (client: SsmClient, sdk: SsmSdk) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    if (this.#ssm === undefined) {
      const sdk = await ssmSdk()
      this.#ssm = { sdk, client: new sdk.SSMClient(callOptions(this.#options.access)) }
    }
    const { sdk, client } = this.#ssm
    return this.retrying(() => this.#told(action, doing, () => send(client, sdk), signal), signal)
  }

  async retrying<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await work()
      } catch (error) {
        const again = error instanceof BackendError && error.retryable && isTransient(error)
        if (!again || attempt === maxAttempts) throw error
        await this.pause(attempt, signal)
      }
    }
  }

  /** Longer each time, and not all at once. */
  async pause(attempt: number, signal?: AbortSignal): Promise<void> {
    const ms = Math.min(longestPauseMs, (this.#options.firstPauseMs ?? 300) * 2 ** (attempt - 1))
    await sleep(ms * (0.5 + Math.random() / 2), undefined, signal && { signal })
  }

  async #told<T>(action: Action, doing: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      signal?.throwIfAborted()
      const { endpoint } = this.#options.access
      throw tell(error, { doing, region: this.region, endpoint }, action)
    }
  }

  close(): void {
    this.#client.destroy()
    this.#ssm?.client.destroy()
  }
}

/** What EC2 calls it: "InsufficientInstanceCapacity". */
export function codeOf(error: unknown): string {
  const { cause } = error as { cause?: { name?: unknown } }
  return String(cause?.name ?? "")
}

/** Machines that cannot be had now are not to be had a second later. */
function isTransient(error: BackendError): boolean {
  return !/Capacity$/.test(codeOf(error))
}
