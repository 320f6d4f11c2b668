import { LambdaBackend, type LambdaOptions } from "../../../kernel-ext/backends/lambda/lambda.ts"

/** A backend on an emulator at `endpoint`: small, and without retries that a test would have to wait for. */
export function lambdaAt(endpoint: string, options: Partial<LambdaOptions> = {}): LambdaBackend {
  const keys = () => ({ accessKeyId: "test", secretAccessKey: "test" })
  return new LambdaBackend({
    access: { region: "us-east-1", endpoint, keys },
    workers: 2,
    memoryMiB: 512,
    timeoutMs: 60_000,
    architecture: "x86_64",
    ephemeralStorageMiB: 512,
    streams: false,
    storage: () => ({
      backend: "aws_s3",
      bucket: undefined,
      options: { region: "us-east-1", endpoint, pathStyle: true },
      secrets: keys(),
    }),
    ...options,
  })
}
