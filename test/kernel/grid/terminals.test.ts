import { join } from "node:path"
import { expect } from "chai"
import { jobMime, parseSavedJob } from "../../../kernel-ext/protocol/job-view.ts"
import { runPython } from "../../support/jupyter.ts"
import { root } from "../../support/repository.ts"

/** Jobs in front ends of text. */

const here = join(root, "test", "kernel", "grid")

async function resultOf(script: string): Promise<unknown> {
  const { code, stdout, stderr } = await runPython([join(here, script)])
  expect(code, stderr).to.equal(0)
  return JSON.parse(stdout)
}

describe("a job where there is only text", function () {
  this.timeout(120_000)

  it("is one line in jupyter console, written over once a second, and its failures at the end", async () => {
    const written = (await resultOf("console.py")) as string
    const lines = written.split("\r\u001b[K").slice(1)
    expect(lines.length, written).to.be.within(3, 7)
    for (const line of lines.slice(0, -1)) {
      expect(line).to.match(/^nap: 20 tasks, .* so far$/)
      expect(line.length).to.be.lessThan(80)
    }
    expect(lines.at(-1)).to.match(
      /^nap: 20 tasks, 19 done, 1 failed in .* · LocalhostExecutor, 2 workers\r\n {2}task 4: Error: four\r\n/,
    )
  })

  it("is told to nbclient a few times in ten seconds, and last of all as it ended, also where its cell ended before; so is a promise", async () => {
    const { messages, outputs, outliving, promise } = (await resultOf("nbclient_messages.py")) as {
      messages: [type: string, text: string][]
      outputs: {
        data?: Record<string, unknown>
        metadata?: { cellfan?: { manifest?: { tasks?: number } } }
      }[]
      outliving: { data?: Record<string, unknown> }[]
      promise: { data?: Record<string, unknown> }[]
    }
    const [first, ...rest] = messages
    expect(first?.[0]).to.equal("display_data")
    expect(new Set(rest.map(([type]) => type))).to.deep.equal(new Set(["update_display_data"]))
    expect(rest.length).to.be.within(3, 7)
    expect(rest[0]?.[1]).to.match(/^naps: 200 tasks, \d+ done, 2 running, \d+ queued, 2\.\d s so far/)
    const [output] = outputs
    expect(output?.data?.["text/plain"]).to.match(/^naps: 200 tasks, 200 done in 1\d\.\d s/)
    expect(parseSavedJob(output?.data?.[jobMime])?.counts.done).to.equal(200)
    expect(output?.metadata?.cellfan?.manifest).to.include({ tasks: 200, name: "naps" })
    expect(outliving[0]?.data?.["text/plain"]).to.match(/^outliving: 4 tasks, 4 done/)
    expect(outliving[0]?.data).to.include.keys("image/png")
    expect(promise[0]?.data).to.deep.equal({ "text/plain": "Promise { 42 }" })
  })
})
