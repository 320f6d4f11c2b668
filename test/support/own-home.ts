import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A home folder until it is removed: what is kept of pools is no business of whoever runs the tests. */
export class OwnHome {
  readonly folder = mkdtempSync(join(tmpdir(), "cellfan-home-"))
  readonly #before = process.env.HOME

  constructor() {
    process.env.HOME = this.folder
  }

  remove(): void {
    if (this.#before === undefined) delete process.env.HOME
    else process.env.HOME = this.#before
    rmSync(this.folder, { recursive: true, force: true })
  }
}
