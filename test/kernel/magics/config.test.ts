import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { type Notebook, openNotebook } from "../open-notebook.ts"

describe("%config", function () {
  this.timeout(60_000)
  let notebook: Notebook
  let folder: string
  const named = process.env.CELLFAN_CONFIG_FILE

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "cellfan-config-magic-"))
    const file = join(folder, "cellfan.config.yaml")
    writeFileSync(
      file,
      "cellfan:\n  retries: 2\nminio:\n  endpoint: http://127.0.0.1:1\n  secretAccessKey: hush-hush-7141\n",
    )
    process.env.CELLFAN_CONFIG_FILE = file
    notebook = openNotebook({ magics: true })
  })
  after(async () => {
    await notebook.close()
    if (named === undefined) delete process.env.CELLFAN_CONFIG_FILE
    else process.env.CELLFAN_CONFIG_FILE = named
    rmSync(folder, { recursive: true })
  })

  it("shows what is in force and where it was read, and no secret in any output", async () => {
    const shown = await notebook.text("%config")
    expect(shown).to.include("retries").and.to.include("line 2").and.to.include("•••")
    await notebook.text('import { Storage, storage } from "cellfan"')
    const cells = [
      "storage",
      "new Storage({ backend: 'minio' })",
      "console.log(new Storage({ backend: 'minio' }))",
      "%config",
    ]
    for (const cell of cells) await notebook.text(cell)
    const wrong = await notebook.failure('new Storage({ backend: "minio", bucket: "NO" })')
    const outputs = JSON.stringify([shown, notebook.streamed, notebook.displayed, wrong])
    expect(outputs).to.have.length.above(200)
    expect(outputs).to.not.include("hush-hush-7141".slice(0, 12))
  })

  it("gives way to flags, and tells of what is wrong in it", async () => {
    process.env.CELLFAN_LOCALHOST_WORKERS = "3"
    process.env.CELLFAN_AWS_LAMBDA_MEMORY_MIB = "7"
    try {
      await notebook.text("%LocalhostExecutor --workers 2 --name two")
      await notebook.text("%LocalhostExecutor --name three")
      expect(await notebook.text("[two.workers, three.workers]")).to.equal("[ 2, 3 ]")
      await notebook.text("%config")
      expect(JSON.stringify(notebook.streamed)).to.include(
        "The environment variable CELLFAN_AWS_LAMBDA_MEMORY_MIB takes an integer from 128 to 10240, but got 7.",
      )
    } finally {
      delete process.env.CELLFAN_LOCALHOST_WORKERS
      delete process.env.CELLFAN_AWS_LAMBDA_MEMORY_MIB
    }
  })

  it("gives its rows as a list", async () => {
    expect(
      await notebook.text(
        "const rows = %config\nrows.filter(({ key }) => key === 'retries').map(({ value }) => value)",
      ),
    ).to.include("2")
  })
})
