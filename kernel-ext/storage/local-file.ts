import { randomUUID } from "node:crypto"
import { createWriteStream } from "node:fs"
import { open, rename, rm } from "node:fs/promises"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"

/** A file of the user's, as a stream: it is opened at once, so that a missing one is told before any request. */
export async function openFile(file: string): Promise<AsyncIterable<Uint8Array>> {
  const handle = await open(file, "r")
  return handle.createReadStream()
}

/** Beside the file first, and then in its place: whoever looks sees all of it or nothing. */
export async function writeFileWhole(
  file: string,
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const temporary = `${file}.${randomUUID()}`
  try {
    await pipeline(Readable.from(content), createWriteStream(temporary, { flags: "wx" }), { signal })
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw signal?.aborted ? signal.reason : error
  }
}
