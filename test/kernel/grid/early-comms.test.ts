import { setImmediate } from "node:timers/promises"
import { expect } from "chai"
import { KernelComms } from "../../../kernel-ext/kernel/comms.ts"
import type { Publisher } from "../../../kernel-ext/kernel/publish.ts"
import type { Message } from "../../../kernel-ext/kernel/wire.ts"

function message(type: string, content: Readonly<Record<string, unknown>>): Message {
  return { header: { msg_type: type, msg_id: "m" }, content, buffers: [], metadata: {} } as unknown as Message
}

describe("comms that a front end opens before the kernel has loaded", () => {
  it("are answered once somebody answers for their target, in order, and others are closed", async () => {
    const published: [type: string, id: unknown][] = []
    const publisher = {
      publish: (_: unknown, type: string, content: { comm_id?: unknown }) => {
        published.push([type, content.comm_id])
      },
      stream: () => {},
    } as unknown as Publisher
    const comms = new KernelComms(publisher, () => undefined)
    comms.receive(message("comm_open", { comm_id: "a", target_name: "cellfan", data: { job: "1" } }))
    comms.receive(message("comm_open", { comm_id: "b", target_name: "nobody", data: {} }))
    comms.receive(message("comm_msg", { comm_id: "a", data: { type: "resync" } }))
    expect(published).to.deep.equal([])

    const heard: unknown[] = []
    comms.register("cellfan", (comm, data) => {
      heard.push(data)
      comm.onMessage((said) => heard.push(said))
    })
    await setImmediate()
    await setImmediate()
    expect(heard).to.deep.equal([{ job: "1" }, { type: "resync" }])
    expect(published).to.deep.equal([["comm_close", "b"]])
  })
})
