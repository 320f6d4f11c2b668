import { execFile } from "node:child_process"
import { lstat, mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { read, root } from "../support/repository.ts"

/** The command as it is built and as a user calls it. */

describe("cellfan", function () {
  this.timeout(60_000)
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "cellfan-cli-"))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  it("hello runs a task in a process of its own", async () => {
    const { code, stdout, stderr } = await cellfan(["hello"], { USER: "Ada" })
    expect(stderr).to.equal("")
    const [, there, here] =
      /^Hello, Ada! cellfan works: process (\d+) said so to process (\d+)\.\n$/.exec(stdout) ?? []
    expect(there).to.be.a("string").and.not.equal(here)
    expect(code).to.equal(0)
  })

  it("install makes kernel and extension known to the Jupyter of an environment", async () => {
    const { code, stdout } = await cellfan(["install", "--prefix", folder])
    expect(code).to.equal(0)
    const kernel = join(folder, "share", "jupyter", "kernels", "cellfan")
    const extension = join(folder, "share", "jupyter", "labextensions", "cellfan-lab")
    expect(stdout).to.equal(`Kernel: ${kernel}\nExtension: ${extension}\n`)
    const spec = JSON.parse(await readFile(join(kernel, "kernel.json"), "utf8"))
    expect(spec.argv).to.deep.equal([process.execPath, join(root, "dist", "kernel.js"), "{connection_file}"])
    expect(spec.language).to.equal("typescript")
    const manifest = JSON.parse(await readFile(join(extension, "package.json"), "utf8"))
    expect((await lstat(join(extension, manifest.jupyterlab._build.load))).isFile()).to.equal(true)
  })

  it("install without a prefix takes the user's own data folder", async () => {
    const { stdout } = await cellfan(["install"], { JUPYTER_DATA_DIR: folder })
    expect(stdout).to.include(join(folder, "kernels", "cellfan"))
  })

  it("install over an older one leaves only the newer", async () => {
    await cellfan(["install", "--prefix", folder, "--link"])
    await cellfan(["install", "--prefix", folder])
    const extension = join(folder, "share", "jupyter", "labextensions", "cellfan-lab")
    expect((await lstat(extension)).isSymbolicLink()).to.equal(false)
    expect((await lstat(join(root, "dist", "labextension", "package.json"))).isFile()).to.equal(true)
  })

  it("--version is the package's", async () => {
    const { stdout } = await cellfan(["--version"])
    expect(stdout.trim()).to.equal(JSON.parse(read("package.json")).version)
  })

  it("names the nearest command for one it does not know", async () => {
    const { code, stderr } = await cellfan(["instal"])
    expect(stderr).to.match(/^cellfan has no command instal: did you mean install\? It takes:\n/)
    expect(code).to.equal(2)
  })

  it("names a flag it does not know", async () => {
    const { code, stderr } = await cellfan(["install", "--prefx", folder])
    expect(stderr).to.match(/^cellfan install: Unknown option '--prefx'/)
    expect(code).to.equal(2)
  })
})

function cellfan(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env } }
    execFile(process.execPath, [join(root, "dist", "cli.js"), ...args], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    )
  })
}
