import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { readConfiguration } from "../../kernel-ext/config/load.ts"
import { openNotebook } from "../kernel/open-notebook.ts"
import { read } from "../support/repository.ts"

/** Blocks of code in a document, in one language. */
function blocks(document: string, language: string): string[] {
  const pattern = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, "gms")
  return [...read(document).matchAll(pattern)].map(([, code = ""]) => code)
}

/** What is said after the last line of a block to be its result. */
function promised(block: string): unknown {
  return JSON.parse(/\/\/ (\[.*\])\s*$/.exec(block)?.[1] ?? "null")
}

describe("Examples in the documents", function () {
  this.timeout(60_000)
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cellfan-examples-"))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it("of docs/storage.md give what they say", async () => {
    process.env.CELLFAN_LOCALHOST_STORAGE_ROOT = folder
    const notebook = openNotebook({ magics: true })
    try {
      const cells = blocks("docs/storage.md", "ts")
      expect(cells).to.have.length(2)
      for (const cell of cells) {
        // The last expression is a cell's result.
        const shown = await notebook.text(cell)
        expect(JSON.parse((shown ?? "").replaceAll("'", '"')), cell).to.deep.equal(promised(cell))
      }
      expect(
        await notebook.text('await storage.text("books/words.txt", { range: { start: 4, end: 7 } })'),
      ).to.include("two")
    } finally {
      delete process.env.CELLFAN_LOCALHOST_STORAGE_ROOT
      await notebook.close()
    }
  })

  it("of docs/configuration.md are taken as they are", () => {
    const [file = ""] = blocks("docs/configuration.md", "yaml")
    writeFileSync(join(folder, "cellfan.config.yaml"), file)
    mkdirSync(join(folder, "home"))
    const env = { HOME: join(folder, "home"), CELLFAN_AWS_LAMBDA_MEMORY_MIB: "1024" }
    const configured = readConfiguration({ env, folder })
    expect(configured.problems()).to.deep.equal([])
    expect(configured.section("cellfan")).to.include({ backend: "aws_lambda", timeoutMs: 60_000 })
    expect(configured.section("aws_lambda")).to.include({
      region: "eu-west-1",
      memoryMiB: 1024,
      workers: 200,
    })
    expect(configured.section("aws_s3")).to.include({ region: "eu-west-1", bucket: "measurements" })
  })
})
