import { expect } from "chai"
import { TaskLog } from "../../kernel-ext/worker/task-log.ts"

function record() {
  const sent: string[] = []
  return { sent, log: new TaskLog((stream, text) => sent.push(`${stream}: ${text}`)) }
}

describe("TaskLog", () => {
  it("sends the first line at once, and what follows soon after together", async () => {
    const { sent, log } = record()
    await new Promise((resolve) => setTimeout(resolve, 60))
    log.write("stdout", "a\n")
    log.write("stdout", "b\n")
    log.write("stdout", "c\n")
    expect(sent).to.deep.equal(["stdout: a\n"])
    log.flush()
    expect(sent).to.deep.equal(["stdout: a\n", "stdout: b\nc\n"])
  })

  it("keeps the order of the two streams", () => {
    const { sent, log } = record()
    log.write("stdout", "1")
    log.write("stderr", "2")
    log.write("stdout", "3")
    log.flush()
    expect(sent.join("|")).to.equal("stdout: 1|stderr: 2|stdout: 3")
  })

  it("keeps beginning and end of a flood, and says how much is missing between them", () => {
    const { sent, log } = record()
    for (let i = 0; i < 100_000; i++) log.write("stdout", `line ${String(i).padStart(6, "0")}\n`)
    log.flush()
    const text = sent.map((one) => one.slice("stdout: ".length)).join("")
    expect(text).to.include("line 000000\nline 000001\n")
    expect(text.endsWith("line 099999\n")).to.equal(true)
    const cut = Number(/… ([\d,]+) characters cut …/.exec(text)?.[1]?.replaceAll(",", ""))
    const kept = [...text.matchAll(/line \d{6}\n/g)].length
    expect(cut + kept * 12).to.equal(1_200_000)
  })
})
