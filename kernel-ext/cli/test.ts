import { randomUUID } from "node:crypto"
import { Storage } from "../config/storage.ts"
import { FunctionExecutor } from "../executors/function-executor.ts"

/** `cellfan test`: whether the places that the configuration names take tasks and objects. */

const inputs = [1, 2, 3, 4]

/** Says of each what it did. Resolves with the exit code: both are tried, also where the first fails. */
export async function test(say: (text: string) => void, complain: (text: string) => void): Promise<number> {
  let code = 0
  for (const [what, work] of [
    ["Tasks", runTasks],
    ["Storage", keepObject],
  ] as const)
    try {
      say(`${what}: ${await work()}`)
    } catch (error) {
      complain(`${what}: ${error instanceof Error ? error.message : error}`)
      code = 1
    }
  return code
}

async function runTasks(): Promise<string> {
  await using fexec = new FunctionExecutor()
  const beganMs = performance.now()
  const squares = await fexec.map((n: number) => n * n, inputs)
  const took = ((performance.now() - beganMs) / 1000).toFixed(2)
  if (squares.some((square, i) => square !== (inputs[i] ?? 0) ** 2))
    throw new Error(
      `${fexec.backend} gave ${JSON.stringify(squares)} as the squares of ${inputs.join(", ")}.`,
    )
  return `${fexec.backend} ran ${inputs.length} of them in ${took} s.`
}

async function keepObject(): Promise<string> {
  const storage = new Storage()
  const text = randomUUID()
  const { bucket, key } = await storage.put(`cellfan-test/${text}`, text)
  const found = await storage.text(key).finally(() => storage.delete(key))
  if (found !== text) throw new Error(`${storage.backend} gave back something else than what was put there.`)
  return `${storage.backend} took an object into the bucket ${bucket}, gave it back and deleted it.`
}
