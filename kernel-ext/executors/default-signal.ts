let current: () => AbortSignal | undefined = () => undefined

/**
 * Whoever runs user code (the kernel: a cell) says here which signal stops it. A job that is started without a `signal`
 * of its own is cancelled by that one.
 */
export function setDefaultSignal(get: () => AbortSignal | undefined): void {
  current = get
}

export function defaultSignal(): AbortSignal | undefined {
  return current()
}
