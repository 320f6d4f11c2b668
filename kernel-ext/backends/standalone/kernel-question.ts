import { type KernelWord, parseKernelAnswer, parseKernelQuestion } from "../../protocol/queue.ts"
import type { Queue } from "./queue/queue.ts"

/** What somebody who is attached to a job asks its kernel, which alone knows whether a task runs again. */

/** A kernel whose cell lets it do nothing else does not answer. */
const patienceMs = 2000

/** Tasks in one question: it is one message. */
const atOnce = 10_000

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

/**
 * Resolves with `isThere: false` where it may be there and does not answer now. A kernel that is gone has nothing more to say: all is
 * settled.
 */
export async function askKernel(
  queue: Queue,
  session: string,
  jobId: string,
  indices: readonly number[],
): Promise<KernelAnswer> {
  const settled: number[] = []
  for (let at = 0; ; at += atOnce) {
    const part = indices.slice(at, at + atOnce)
    const answer = await ask(queue, session, JSON.stringify({ jobId, indices: part }))
    if (answer === "gone") return { isThere: true, settled: indices, isWhole: true }
    if (answer === undefined) return { isThere: false }
    for (const index of answer.settled) settled.push(index)
    if (at + atOnce >= indices.length) return { isThere: true, settled, isWhole: answer.isWhole }
  }
}

async function ask(
  queue: Queue,
  session: string,
  question: string,
): Promise<KernelWord | "gone" | undefined> {
  try {
    const { data } = await queue.connection.request(queue.names.kernelSubject(session), question, {
      timeout: patienceMs,
    })
    return parseKernelAnswer(data)
  } catch (error) {
    return /no responders/i.test((error as Error).message) ? "gone" : undefined
  }
}
