import { writeFileSync } from "node:fs"
import { expect } from "chai"
import { LocalhostExecutor } from "../../kernel-ext/index.ts"
import { ElsewhereExecutor } from "../support/elsewhere/backend.ts"
import { type Executors, openCases, type Place, readCases } from "./support/case.ts"

/** Set to write what comes out as the expectation: read it before it is committed. */
const write = process.env.CELLFAN_WRITE_CASES === "1"

describe("Functions and values of a notebook, in another process", function () {
  this.timeout(60_000)
  let executors: Executors
  let notebook: ReturnType<typeof openCases>

  before(() => {
    executors = {
      "in place": new LocalhostExecutor({ workers: 1 }),
      "in an empty folder": new ElsewhereExecutor(),
    }
    notebook = openCases(executors)
  })

  after(async () => {
    await notebook.close()
    for (const executor of Object.values(executors)) await executor.close()
  })

  for (const place of ["in place", "in an empty folder"] satisfies Place[]) {
    describe(place, () => {
      for (const one of readCases()) {
        it(one.name.replaceAll("-", " "), async () => {
          const outcome = await notebook.run(one, place)
          if (write) writeFileSync(one.expectedFile, `${outcome}\n`)
          else expect(`${outcome}\n`).to.equal(one.expected)
        })
      }
    })
  }
})
