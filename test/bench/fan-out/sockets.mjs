import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

/** What two processes can do for typed arrays over plain sockets, with nothing around it. */
export function socketPool(workers) {
  const folder = mkdtempSync(join(tmpdir(), "cellfan-bench-"))
  const path = join(folder, "socket")
  const peers = []
  let allThere
  const there = new Promise((resolve) => {
    allThere = resolve
  })
  const server = createServer((socket) => {
    if (peers.push(new Peer(socket)) === workers) allThere()
  })
  const program = fileURLToPath(new URL("socket.mjs", import.meta.url))
  server.listen(path, () => {
    for (let i = 0; i < workers; i++) spawn(process.execPath, [program, path], { stdio: "inherit" })
  })
  return {
    async map(_name, inputs) {
      await there
      const results = new Array(inputs.length)
      let next = 0
      let missing = inputs.length
      return new Promise((resolve) => {
        for (const peer of peers) {
          peer.answered = (index, bytes) => {
            results[index] = new Float64Array(bytes.buffer)
            if (--missing === 0) resolve(results)
            else if (next < inputs.length) peer.send(next, inputs[next++])
          }
        }
        for (let turn = 0; turn < 2; turn++)
          for (const peer of peers) if (next < inputs.length) peer.send(next, inputs[next++])
      })
    },
    close() {
      for (const { socket } of peers) socket.end()
      server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

class Peer {
  answered = () => {}
  #lead = Buffer.alloc(0)
  #head
  #body
  #filled = 0

  constructor(socket) {
    this.socket = socket
    socket.on("data", (chunk) => this.#read(chunk))
  }

  send(index, numbers) {
    const lead = Buffer.alloc(8)
    lead.writeUInt32LE(index, 0)
    lead.writeUInt32LE(numbers.byteLength, 4)
    this.socket.cork()
    this.socket.write(lead)
    this.socket.write(new Uint8Array(numbers.buffer))
    this.socket.uncork()
  }

  #read(chunk) {
    for (let at = 0; at < chunk.length; ) {
      if (this.#head === undefined) {
        const part = chunk.subarray(at, at + 8 - this.#lead.length)
        this.#lead = Buffer.concat([this.#lead, part])
        at += part.length
        if (this.#lead.length < 8) return
        this.#head = { index: this.#lead.readUInt32LE(0), length: this.#lead.readUInt32LE(4) }
        this.#body = new Uint8Array(this.#head.length)
        this.#filled = 0
        this.#lead = Buffer.alloc(0)
      }
      const part = chunk.subarray(at, at + this.#head.length - this.#filled)
      this.#body.set(part, this.#filled)
      this.#filled += part.length
      at += part.length
      if (this.#filled < this.#head.length) return
      const { index } = this.#head
      this.#head = undefined
      this.answered(index, this.#body)
    }
  }
}
