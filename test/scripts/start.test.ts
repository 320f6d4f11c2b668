import { spawn } from "node:child_process"
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { root } from "../support/repository.ts"

/** What `npm start` says where it cannot start; each time one sentence, at once, and exit code 1. */

interface Finished {
  readonly code: number | null
  readonly output: string
}

describe("npm start", function () {
  this.timeout(60_000)
  let folder: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cellfan-start-"))
  })
  after(() => rm(folder, { recursive: true, force: true }))

  it("says that a port is taken and which to take instead", async () => {
    const server = createServer().listen(0, "127.0.0.1")
    await new Promise((resolve) => server.once("listening", resolve))
    const address = server.address()
    const port = typeof address === "object" ? (address?.port ?? 0) : 0
    const { code, output } = await start(["--port", String(port)])
    server.close()
    expect(output).to.match(new RegExp(`^Port ${port} is taken: .* npm start -- --port ${port + 1} .*\\n$`))
    expect(code).to.equal(1)
  })

  it("refuses a word it does not know and lists those it knows", async () => {
    const { code, output } = await start(["--excute"])
    expect(output).to.match(/^npm start does not take --excute\. It takes:\nnpm start /)
    expect(code).to.equal(1)
  })

  it("refuses what is no port", async () => {
    const { code, output } = await start(["--port", "http"])
    expect(output).to.equal("--port takes a number from 0 (the system chooses) to 65535, and got http.\n")
    expect(code).to.equal(1)
  })

  it("says that a notebook is not there", async () => {
    const { code, output } = await start(["--execute", "notebooks/nosuch.ipynb"])
    expect(output).to.match(/^There is no notebook .*nosuch\.ipynb: name one that exists/)
    expect(code).to.equal(1)
  })

  for (const [old, oldest] of [
    ["18.20.8", "20.19"],
    ["20.18.0", "20.19"],
    ["22.3.0", "22.12"],
  ]) {
    it(`says that Node ${old} is too old`, async () => {
      const pretend = join(folder, "pretend.cjs")
      await writeFile(pretend, `Object.defineProperty(process.versions, "node", { value: "${old}" })`)
      const { code, output } = await start(["--help"], {}, ["--require", pretend])
      expect(output).to.match(/^cellfan needs Node .* and this is Node .*: install one .*\n$/)
      expect(output).to.include(oldest).and.to.include(`this is Node ${old}`)
      expect(code).to.equal(1)
    })
  }

  describe("looks for a Python, and", () => {
    it("says that there is no Python and how to name one", async () => {
      const { output } = await findPython({ PATH: folder })
      expect(output).to.match(
        /^No Python found, and JupyterLab needs 3\.10 or newer: install it .* CELLFAN_PYTHON=.*\n$/,
      )
    })

    it("says that a Python is too old", async () => {
      await fakePython('[[3, 9, 2], "/usr/bin/python3", true]')
      const { output } = await findPython({ PATH: folder })
      expect(output).to.match(
        /^cellfan needs Python 3\.10 or newer .* \/usr\/bin\/python3 is 3\.9\.2: install a newer one/,
      )
    })

    it("says that a Python has no venv module and which package has it", async () => {
      await fakePython('[[3, 12, 1], "/usr/bin/python3", false]')
      const { output } = await findPython({ PATH: folder })
      expect(output).to.match(
        /^\/usr\/bin\/python3 has no venv module: install it \(.*apt install python3\.12-venv\) .*\n$/,
      )
    })

    it("says that the Python it was told of does not run", async () => {
      const { output } = await findPython({ PATH: folder, CELLFAN_PYTHON: "/nowhere/python" })
      expect(output).to.match(/^CELLFAN_PYTHON is \/nowhere\/python, which does not run as a Python: /)
    })

    it("takes the Python that is new enough of several", async () => {
      await fakePython('[[3, 8, 0], "/old/python3", true]')
      await fakePython('[[3, 11, 4], "/new/python3.11", true]', "python3.11")
      const { output } = await findPython({ PATH: folder })
      expect(output).to.equal("/new/python3.11\n")
    })
  })

  async function fakePython(answer: string, name = "python3"): Promise<void> {
    const file = join(folder, name)
    await writeFile(file, `#!/bin/sh\necho '${answer}'\n`)
    await chmod(file, 0o755)
  }

  /** Asks as setup does, and prints what it would. */
  function findPython(env: NodeJS.ProcessEnv): Promise<Finished> {
    const module = join(root, "scripts", "setup", "find-python.mjs")
    const code = `import(${JSON.stringify(module)}).then(({ findPython }) => findPython()).then(
      ({ path }) => console.log(path), (error) => console.log(error.message))`
    return run(["-e", code], env)
  }
})

function start(
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
  nodeArgs: readonly string[] = [],
): Promise<Finished> {
  return run([...nodeArgs, join(root, "scripts", "start.mjs"), ...words], { ...process.env, ...env })
}

function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Finished> {
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] })
  let output = ""
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk
    })
  }
  return new Promise((resolve, reject) => {
    child.on("error", reject)
    child.on("close", (code) => resolve({ code, output }))
  })
}
