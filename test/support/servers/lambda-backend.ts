import { Lambda, type LambdaOptions } from "../../../kernel-ext/backends/lambda/lambda.ts"
import {
  ServerlessBackend,
  type ServerlessOptions,
} from "../../../kernel-ext/backends/serverless/serverless.ts"

export type LambdaTestOptions = Partial<LambdaOptions & ServerlessOptions>

/** A backend on an emulator at `endpoint`: small, and without retries that a test would have to wait for. */
export function lambdaAt(endpoint: string, options: LambdaTestOptions = {}): ServerlessBackend {
  const keys = () => ({ accessKeyId: "test", secretAccessKey: "test" })
  const { workers = 2, storage, firstPauseMs, onProgress, ...others } = options
  const platform = new Lambda({
    workers,
    access: { region: "us-east-1", endpoint, keys },
    memoryMiB: 512,
    timeoutMs: 60_000,
    architecture: "x86_64",
    ephemeralStorageMiB: 512,
    streams: false,
    ...others,
  })
  return new ServerlessBackend({
    ...{ platform, workers, firstPauseMs, onProgress },
    storage:
      storage ??
      (() => ({
        backend: "aws_s3",
        bucket: undefined,
        options: { region: "us-east-1", endpoint, pathStyle: true },
        secrets: keys(),
      })),
  })
}
