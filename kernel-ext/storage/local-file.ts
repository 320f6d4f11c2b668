import { randomUUID } from "node:crypto"
import { createWriteStream } from "node:fs"
import { open, rename, rm } from "node:fs/promises"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"

/** A file of the user's, as a stream: it is opened at once, so that a missing one is told before any request. */
export async function openFile(file: string): Promise<AsyncIterable<Uint8Array>> {
  try {
    const handle = await open(file, "r")
    if ((await handle.stat()).isFile()) return handle.createReadStream()
    await handle.close()
  } catch (cause) {
    throw new Error(`The file ${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
  throw new Error(`${file} is no file, and only files can be uploaded.`)
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
    if (signal?.aborted) throw signal.reason
    const isOfTheFile = (error as NodeJS.ErrnoException).path !== undefined
    throw isOfTheFile ? unwritable(file, error as NodeJS.ErrnoException) : error
  }
}

function unwritable(file: string, cause: NodeJS.ErrnoException): Error {
  const why =
    cause.code === "ENOENT"
      ? "its folder does not exist"
      : cause.code === "EISDIR"
        ? "it is a folder"
        : cause.message
  return new Error(`The file ${file} cannot be written: ${why}.`, { cause })
}
