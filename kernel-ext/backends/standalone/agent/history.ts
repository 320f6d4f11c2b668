import type { Queue } from "../queue/queue.ts"
import { saidIn } from "../recorded.ts"

/** What agents have recorded of a batch that was lent before. */
export interface History {
  /** Tasks of which it is known what became of them. */
  readonly settled: ReadonlySet<number>
  /** How often agents gave the batch to another one and lived. */
  readonly left: number
  /** By task: how many agents began it alone, and neither ended it nor let go of it. */
  readonly begun: ReadonlyMap<number, number>
}

export async function historyOf(queue: Queue, subject: string): Promise<History> {
  const settled = new Set<number>()
  const begun = new Map<number, Set<string>>()
  let left = 0
  for (const { bytes } of await queue.readAll(subject)) {
    for (const { message, parts } of await saidIn(queue, bytes)) {
      if (message.type === "done") {
        const [indices] = parts
        if (indices !== undefined)
          for (const index of new Uint32Array(indices.buffer, indices.byteOffset, message.count))
            settled.add(index)
      } else if (message.type === "ended") settled.add(message.index)
      else if (message.type === "returned") for (const index of message.indices) settled.add(index)
      else if (message.type === "begun") {
        const agents = begun.get(message.index) ?? new Set()
        begun.set(message.index, agents.add(message.agent))
      } else if (message.type === "left") {
        left++
        for (const agents of begun.values()) agents.delete(message.agent)
      }
    }
  }
  const counts = [...begun].map(([index, agents]) => [index, agents.size] as const)
  return { settled, left, begun: new Map(counts) }
}
