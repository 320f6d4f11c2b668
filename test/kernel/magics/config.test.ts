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

  it("gives its rows as a list", async () => {
    expect(
      await notebook.text(
        "const rows = %config\nrows.filter(({ key }) => key === 'retries').map(({ value }) => value)",
      ),
    ).to.include("2")
  })
})
