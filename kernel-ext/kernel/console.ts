import { StringDecoder } from "node:string_decoder"
import { currentCell } from "./current-cell.ts"
import type { CellOutput } from "./types.ts"

/**
 * Sends what is written to process.stdout and process.stderr, and so all of `console`, to the cell that the writing code
 * belongs to, and has console.clear() clear its output; `fallback` is where code that belongs to none writes. Before there is any cell, Node's own streams get it.
 */
export function redirectConsole(fallback: () => CellOutput | undefined): void {
  redirect(process.stdout, "stdout", fallback)
  redirect(process.stderr, "stderr", fallback)
  // Node's own clears terminals only.
  console.clear = () => (currentCell()?.output ?? fallback())?.clearOutput(false)
}

function redirect(
  stream: NodeJS.WriteStream,
  name: "stdout" | "stderr",
  fallback: () => CellOutput | undefined,
): void {
  const original = stream.write.bind(stream)
  const decoder = new StringDecoder("utf8")
  type Callback = (error?: Error | null) => void
  const write = (
    chunk: string | Uint8Array,
    encodingOrCallback?: BufferEncoding | Callback,
    callback?: Callback,
  ): boolean => {
    const output = currentCell()?.output ?? fallback()
    const done = typeof encodingOrCallback === "function" ? encodingOrCallback : callback
    if (output === undefined) {
      return typeof encodingOrCallback === "string"
        ? original(chunk, encodingOrCallback, done)
        : original(chunk, done)
    }
    const encoding = typeof encodingOrCallback === "string" ? encodingOrCallback : undefined
    output.stream(name, textOf(chunk, encoding, decoder))
    if (done !== undefined) process.nextTick(done)
    return true
  }
  stream.write = write
}

function textOf(
  chunk: string | Uint8Array,
  encoding: BufferEncoding | undefined,
  decoder: StringDecoder,
): string {
  if (typeof chunk !== "string") return decoder.write(Buffer.from(chunk))
  // A string in another encoding ("hex", say) stands for bytes.
  const isText = encoding === undefined || /^utf-?8$/i.test(encoding)
  return isText ? chunk : decoder.write(Buffer.from(chunk, encoding))
}
