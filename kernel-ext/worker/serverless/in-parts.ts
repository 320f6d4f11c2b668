import type { InvocationEvent, Said } from "../../protocol/invocation.ts"
import { encodeBlock } from "../../util/blocks.ts"
import type { Call, Environment } from "./environment.ts"

/**
 * Runs a call whose answer leaves in parts. Each part goes to `write` when it is there; reports go with the next part, so that the last of
 * them comes with the end. Resolves with the last part.
 */
export async function answerInParts(
  environment: Environment,
  event: InvocationEvent,
  call: Omit<Call, "tell">,
  write: (part: Uint8Array) => void,
): Promise<Uint8Array> {
  let held: Said[] = []
  const flush = () => {
    write(encodeBlock({ environment: environment.name, said: held }))
    held = []
  }
  const end = await environment.run(event, {
    ...call,
    tell: (one) => {
      if (held.length > 0) flush()
      held.push(one)
      if (one.message.type !== "report") flush()
    },
  })
  return encodeBlock({ environment: environment.name, said: held, end })
}

/** A part that says nothing: the way is still open. */
export function pulseOf(environment: Environment): Uint8Array {
  return encodeBlock({ environment: environment.name, said: [] })
}
