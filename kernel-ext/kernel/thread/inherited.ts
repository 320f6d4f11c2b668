import { readSync } from "node:fs"
import { Socket } from "node:net"
import { StringDecoder } from "node:string_decoder"
import type { Descriptors } from "../descriptors.ts"

/** What child processes and native code write to the kernel's standard output and error. */

type Write = (name: "stdout" | "stderr", text: string) => void

const CHUNK_BYTES = 64 * 1024

export class InheritedOutput {
  readonly #pipes: readonly { readonly descriptor: number; readonly take: (bytes: Buffer) => void }[]
  readonly #arrived: (() => void)[] = []
  readonly #chunk = Buffer.alloc(CHUNK_BYTES)

  constructor(descriptors: Descriptors, write: Write) {
    this.#pipes = (["stdout", "stderr"] as const).map((name) => {
      const decoder = new StringDecoder("utf8")
      const take = (bytes: Buffer) => {
        const text = decoder.write(bytes)
        if (text !== "") write(name, text)
      }
      const socket = new Socket({ fd: descriptors[name], readable: true, writable: false })
      // What the main thread has said by now, that a cell begins, say, comes first.
      socket.on("data", (bytes: Buffer) => {
        this.#arrived.push(() => take(bytes))
        setImmediate(() => this.#takeArrived())
      })
      socket.on("error", () => {})
      return { descriptor: descriptors[name], take }
    })
  }

  /** Takes what has been written by now. To be called before it is said that a cell has ended. */
  drain(): void {
    this.#takeArrived()
    for (const { descriptor, take } of this.#pipes) {
      try {
        for (let length = 1; length > 0; ) {
          length = readSync(descriptor, this.#chunk)
          take(this.#chunk.subarray(0, length))
        }
      } catch {
        // EAGAIN: there is no more.
      }
    }
  }

  #takeArrived(): void {
    for (const take of this.#arrived.splice(0)) take()
  }
}
