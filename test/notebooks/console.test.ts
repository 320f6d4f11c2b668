import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { jupyterEnvironment } from "../../scripts/setup/jupyter.mjs"
import { venvPython } from "../../scripts/util/paths.mjs"
import { findProgram, need } from "../support/needs.ts"
import { Terminal } from "../support/tmux.ts"

describe("jupyter console", function () {
  this.timeout(180_000)
  let folder: string
  let terminal: Terminal | undefined

  before(async function () {
    const tmux = need(this, "tmux (apt-get install tmux)", findProgram("tmux"))
    folder = mkdtempSync(join(tmpdir(), "cellfan-console-"))
    // With more patience for is_complete_reply than a busy machine may need.
    const console = [
      "-m",
      "jupyter_console",
      "--kernel=cellfan",
      "--ZMQTerminalInteractiveShell.kernel_is_complete_timeout=20",
    ]
    terminal = Terminal.open(tmux, [venvPython, ...console], { cwd: folder, env: jupyterEnvironment() })
    await terminal.until(/In \[1\]:/)
  })
  after(() => {
    terminal?.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const at = () => terminal as Terminal

  it("runs a line at once", async () => {
    at().line("const words = ['a', 'bb', 'ccc']; words.length")
    await at().until(/Out\[1\]: 3/)
    await at().until(/In \[2\]:/)
  })

  it("takes a cell magic with a body of several lines, which a blank line ends", async () => {
    at().line("%%LocalhostExecutor --map words --as word --into shouted --workers 1")
    at().line("const loud = word.toUpperCase()")
    at().line("loud + '!'")
    at().line("")
    const screen = await at().until(/In \[3\]:/)
    expect(screen).to.match(/3 tasks, 3 done/)
    at().line("shouted")
    await at().until(/Out\[3\]: \[ 'A!', 'BB!', 'CCC!' \]/)
    await at().until(/In \[4\]:/)
  })

  it("goes on asking while a block is open, and indents it", async () => {
    at().line("for (const word of words) {")
    await at().until(/for \(const word of words\) \{\n\s+\.\.\.:\s*$/m)
    at().line("console.log(word.repeat(2))")
    at().line("}")
    await at().until(/^aa\nbbbb\ncccccc$/m)
  })

  it("shows errors of types and of magics, and goes on", async () => {
    await at().until(/In \[5\]:/)
    at().line("const wrong: string = words.length")
    expect(await at().until(/In \[6\]:/)).to.match(/TS2322: Type 'number' is not assignable to type 'string'/)
    at().line("%LocalhostExecutor --wokers 1")
    expect(await at().until(/In \[7\]:/)).to.match(/UsageError: .*Did you mean --workers\?/s)
  })
})
