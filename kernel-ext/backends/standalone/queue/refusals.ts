import { BackendError } from "../../../errors.ts"

/** What the server's errors mean. */

export function isMissing(error: unknown): boolean {
  const { code, message = "" } = (error ?? {}) as { code?: number; message?: string }
  return (
    code === 404 ||
    code === 10014 ||
    code === 10059 ||
    code === 10037 ||
    /not found|no message/i.test(message)
  )
}

/** What a further try does not change. */
export function isRefusal(error: unknown): boolean {
  const { message = "", name = "" } = error as Error
  return (
    /permission|maximum payload|max_payload|message size exceeds|maximum bytes|insufficient|stream not found|authorization/i.test(
      message,
    ) || name === "PermissionViolationError"
  )
}

export function tellPublish(error: unknown, what: string): BackendError {
  const { message } = error as Error
  return new BackendError(`The queue's server did not keep ${what}: ${message}.`, {
    ...{ backend: "nats", retryable: !isRefusal(error), kind: "unavailable", cause: error },
  })
}
