import { mkdir, readFile, rename, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"

/** All that kept results need of a place to keep them: bytes by key, written once. */
export interface ResultStore {
  /** Undefined where there are none. */
  get(key: string): Promise<Uint8Array | undefined>
  put(key: string, bytes: Uint8Array): Promise<void>
}

/** Files open at once for one store. */
const atOnce = 32

/** Files that are being written: the next job may ask for them before they are there. */
const writing = new Map<string, Promise<void>>()

/** A folder of files, two levels deep. Several processes may use it: a file is there whole, or not at all. */
export class FolderStore implements ResultStore {
  readonly #folder: string
  #running = 0
  readonly #waiting: (() => void)[] = []

  constructor(folder: string) {
    this.#folder = folder
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    await writing.get(this.#file(key))?.catch(() => {})
    return this.#inTurn(() =>
      readFile(this.#file(key)).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return undefined
        throw error
      }),
    )
  }

  put(key: string, bytes: Uint8Array): Promise<void> {
    const file = this.#file(key)
    const written = this.#inTurn(async () => {
      await mkdir(dirname(file), { recursive: true })
      await writeFile(`${file}.${process.pid}`, bytes)
      await rename(`${file}.${process.pid}`, file)
    }).finally(() => {
      if (writing.get(file) === written) writing.delete(file)
    })
    writing.set(file, written)
    return written
  }

  #file(key: string): string {
    return join(this.#folder, key.slice(0, 2), key.slice(2))
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= atOnce) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    this.#running++
    try {
      return await work()
    } finally {
      this.#running--
      this.#waiting.shift()?.()
    }
  }
}
