import type { LambdaOptions } from "../../../kernel-ext/backends/lambda/lambda.ts"
import { Executor } from "../../../kernel-ext/executors/executor.ts"
import { lambdaAt } from "../../support/servers/lambda-backend.ts"

/** An executor over a backend that is set up for a test. */
export class TestExecutor extends Executor {
  constructor(endpoint: string, options: Partial<LambdaOptions> = {}) {
    super(lambdaAt(endpoint, { roleArn: "arn:aws:iam::000000000000:role/tests", ...options }))
  }
}
