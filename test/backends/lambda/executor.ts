import { Executor } from "../../../kernel-ext/executors/executor.ts"
import { type LambdaTestOptions, lambdaAt } from "../../support/servers/lambda-backend.ts"

/** An executor over a backend that is set up for a test. */
export class TestExecutor extends Executor {
  constructor(endpoint: string, options: LambdaTestOptions = {}) {
    super(lambdaAt(endpoint, { roleArn: "arn:aws:iam::000000000000:role/tests", ...options }))
  }
}
