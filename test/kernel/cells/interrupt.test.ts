import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { expect } from "chai"

describe("an interrupted cell", () => {
  it("ends while it waits, and leaves the notebook usable", async function () {
    this.timeout(60_000)
    const fixture = fileURLToPath(new URL("./fixtures/interrupted.ts", import.meta.url))
    const child = spawn(process.execPath, ["--import", "tsx/esm", fixture], {
      stdio: ["ignore", "pipe", "inherit"],
    })
    const told: unknown[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      if (line !== "ready") told.push(JSON.parse(line))
      // A moment for the promise to be waited for.
      else setTimeout(() => child.kill("SIGINT"), 100)
    }
    if (child.exitCode === null) await once(child, "exit")
    expect(told).to.deep.equal(["KeyboardInterrupt: The cell was interrupted", "2"])
  })
})
