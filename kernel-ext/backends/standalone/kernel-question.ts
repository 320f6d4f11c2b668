import { parseKernelAnswer, parseKernelQuestion } from "../../protocol/queue.ts"
import type { Queue } from "./queue/queue.ts"

/** What somebody who is attached to a job asks its kernel, which alone knows whether a task runs again. */

/** A kernel whose cell lets it do nothing else does not answer. */
const patienceMs = 2000

export type KernelAnswer =
  | { readonly isThere: false }
  | { readonly isThere: true; readonly settled: readonly number[]; readonly isWhole: boolean }

/** What a kernel knows of its job; undefined: nothing any more. */
export type JobKnowledge = { isSettled(index: number): boolean; readonly isWhole: boolean } | undefined

/** @param knowledgeOf What this kernel knows of a job of its own. */
export function answerQuestions(
  queue: Queue,
  session: string,
  knowledgeOf: (jobId: string) => JobKnowledge,
): void {
  queue.listen(queue.names.kernelSubject(session), (message) => {
    const question = parseKernelQuestion(message.data)
    if (question === undefined) return
    const known = knowledgeOf(question.jobId)
    const settled = question.indices.filter((index) => known?.isSettled(index) ?? true)
    message.respond(JSON.stringify({ settled, isWhole: known?.isWhole ?? true }))
  })
}

/** Resolves with `isThere: false` where it may be there and does not answer now. A kernel that is gone has nothing more to say: all is settled. */
export async function askKernel(
  queue: Queue,
  session: string,
  jobId: string,
  indices: readonly number[],
): Promise<KernelAnswer> {
  const question = JSON.stringify({ jobId, indices })
  try {
    const { data } = await queue.connection.request(queue.names.kernelSubject(session), question, {
      timeout: patienceMs,
    })
    const answer = parseKernelAnswer(data)
    return answer === undefined ? { isThere: false } : { isThere: true, ...answer }
  } catch (error) {
    if (!/no responders/i.test((error as Error).message)) return { isThere: false }
    return { isThere: true, settled: indices, isWhole: true }
  }
}
