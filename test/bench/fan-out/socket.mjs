import { connect } from "node:net"
import { tasks } from "./tasks.mjs"

/** Frames of u32 index, u32 length, bytes; answers look the same. */
const socket = connect(process.argv[2])
let head
let body
let filled = 0
let lead = Buffer.alloc(0)
socket.on("data", (chunk) => {
  for (let at = 0; at < chunk.length; ) {
    if (head === undefined) {
      const part = chunk.subarray(at, at + 8 - lead.length)
      lead = Buffer.concat([lead, part])
      at += part.length
      if (lead.length < 8) return
      head = { index: lead.readUInt32LE(0), length: lead.readUInt32LE(4) }
      body = new Uint8Array(head.length)
      filled = 0
      lead = Buffer.alloc(0)
    }
    const part = chunk.subarray(at, at + head.length - filled)
    body.set(part, filled)
    filled += part.length
    at += part.length
    if (filled < head.length) return
    const result = tasks.payload(new Float64Array(body.buffer))
    const answer = Buffer.alloc(8)
    answer.writeUInt32LE(head.index, 0)
    answer.writeUInt32LE(result.byteLength, 4)
    head = undefined
    socket.cork()
    socket.write(answer)
    socket.write(new Uint8Array(result.buffer))
    socket.uncork()
  }
})
socket.on("close", () => process.exit(0))
