import { BackendError, type BackendErrorKind } from "../../../errors.ts"

/** Errors about hosts by SSH. A further try helps only where the network was the matter. */
export function sshError(kind: BackendErrorKind, message: string, cause?: unknown): BackendError {
  const retryable = kind === "network" || kind === "unavailable"
  return new BackendError(message, { backend: "ssh", kind, retryable, cause })
}
