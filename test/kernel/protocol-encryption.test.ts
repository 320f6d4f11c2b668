import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { expect } from "chai"
import { dist } from "../../scripts/util/paths.mjs"
import { KernelClient } from "../support/kernel-client.ts"
import { root } from "../support/repository.ts"

/** CurveZMQ, as jupyter_client asks for it from kernels that say in kernel.json that they speak it. */

describe("A kernel whose client wants an encrypted transport", () => {
  async function start(encryption: "disabled" | "auto"): Promise<KernelClient> {
    const { metadata } = JSON.parse(await readFile(join(root, "kernelspec", "kernel.json"), "utf8"))
    return KernelClient.start({
      command: [process.execPath, join(dist, "kernel.js")],
      metadata,
      encryption,
    })
  }

  it("runs cells, hears interrupts and beats through it, and answers nobody without the keys", async () => {
    const kernel = await start("auto")
    try {
      expect(await kernel.do("is_encrypted")).to.equal(true)
      const { iopub } = await kernel.execute("const secret: number = 41; secret + 1")
      expect(iopub.find(({ type }) => type === "execute_result")?.content.data["text/plain"]).to.equal("42")
      const loop = await kernel.sendCell("for (;;);")
      await kernel.until(() => kernel.iopub(loop).length >= 2)
      await kernel.do("interrupt")
      expect((await kernel.served(loop)).reply.content.ename).to.equal("KeyboardInterrupt")
      expect(await kernel.do("beats", { seconds: 0.5 })).to.be.above(5)
      expect(await kernel.do("beats_without_keys", { seconds: 1 })).to.equal(false)
    } finally {
      await kernel.close()
    }
  })

  it("goes without where the client does not ask for it", async () => {
    const kernel = await start("disabled")
    try {
      expect(await kernel.do("is_encrypted")).to.equal(false)
      expect(await kernel.do("beats_without_keys", { seconds: 5 })).to.equal(true)
    } finally {
      await kernel.close()
    }
  })
})
