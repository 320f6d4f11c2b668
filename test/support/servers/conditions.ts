/** What a test may change of a platform while it runs. */
export class Conditions {
  maxInstances: number
  maxRequestBytes = Number.POSITIVE_INFINITY
  /** Whether new instances come to nothing. */
  startsFail = false
  /** What has instances. */
  readonly runs = new Set<{ stop(): Promise<void> }>()

  constructor(maxInstances: number) {
    this.maxInstances = maxInstances
  }

  /** Ends all instances there are; calls that come start others. */
  async stopInstances(): Promise<void> {
    for (const one of this.runs) await one.stop()
  }
}
