/** What is known of all backends of machines before their code is loaded. */
export const standaloneFacts = {
  remote: true,
  batchMs: 50,
  /** Batches handed to the queue before anybody is free for them. */
  ahead: 20_000,
  supports: { cancel: true, logs: true, progress: true, reattach: true, takeBack: true },
} as const
