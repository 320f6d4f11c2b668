/** Results kept from earlier jobs, by what they depend on. */
export interface ResultMemory {
  /** Undefined where the result is not known. Never rejects: what cannot be read is computed again. */
  recall(index: number, input: unknown): Promise<{ readonly value: unknown } | undefined>
  /** Keeps a result, or leaves it where it cannot be kept. */
  remember(index: number, input: unknown, value: unknown): void
}
