/** What errors of services have in common, whichever SDK they come from. */

/** Why a service was not reached, or its answer not read. */
export type NotReached =
  /** Nobody knows the name of the host. */
  | "no-host"
  /** The certificate is of an authority that is not trusted. */
  | "untrusted"
  /** Nothing listens there. */
  | "refused"
  /** A connection that broke, or on which nothing came. */
  | "broken"

/** Undefined where it is another error. */
export function notReached(error: unknown): NotReached | undefined {
  const { message = "" } = error as Error
  const code = codeOf(error)
  if (isUntrusted(code)) return "untrusted"
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "no-host"
  if (code === "ECONNREFUSED") return "refused"
  const isBroken = /TimeoutError|RequestTimeout|socket hang up|aborted|ended early/i.test(
    `${code} ${message}`,
  )
  return isBroken || /^E[A-Z_]+$/.test(code) ? "broken" : undefined
}

/** The system's code, also where an SDK has put its own error around it; else the error's name. */
export function codeOf(error: unknown): string {
  const { code, cause, name = "" } = error as { code?: unknown; cause?: { code?: unknown }; name?: string }
  const found = typeof code === "string" ? code : cause?.code
  return typeof found === "string" ? found : name
}

/** Whether it is the code of a certificate that was refused. */
export function isUntrusted(code = ""): boolean {
  return /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/.test(code)
}

/** A URL may hold a password. */
export function withoutUser(url: string): string {
  return url.replace(/\/\/[^/@]*@/, "//")
}

/** The right that IAM says is missing: "lambda:CreateFunction". Other services do not say. */
export function missingRight(message: string): string | undefined {
  return /not authorized to perform: ([\w-]+:\w+)/i.exec(message)?.[1]
}

/** Without the request and the answer that an SDK hangs on: their headers hold keys, signatures and tokens. */
export function bareError({ name, message, stack, code }: Error & { readonly code?: unknown }): Error {
  const error = Object.assign(new Error(message), { name, ...(code !== undefined && { code }) })
  error.stack = stack ?? `${name}: ${message}`
  return error
}
