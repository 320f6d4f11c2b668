import { execFile } from "node:child_process"
import { cp, lstat, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { read, root } from "../support/repository.ts"

/** The command as it is built and as a user calls it. */

const cacheFolder = join(root, ".cache")

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

  it("works where it is installed as a package, from the files that are published", async () => {
    // Within the clone, so that what it depends on is found.
    const parent = join(cacheFolder, "installed")
    await mkdir(parent, { recursive: true })
    const project = await mkdtemp(join(parent, "project-"))
    try {
      const installed = join(project, "node_modules", "cellfan")
      for (const file of ["package.json", ...JSON.parse(read("package.json")).files])
        await cp(join(root, file), join(installed, file), { recursive: true })
      const program = join(installed, "dist", "cli.js")
      expect(await cellfan(["hello"], {}, program)).to.include({ code: 0, stderr: "" })
      expect(await cellfan(["install", "--prefix", folder], {}, program)).to.include({ code: 0, stderr: "" })
      const spec = await readFile(
        join(folder, "share", "jupyter", "kernels", "cellfan", "kernel.json"),
        "utf8",
      )
      expect(JSON.parse(spec).argv[1]).to.equal(join(installed, "dist", "kernel.js"))
    } finally {
      await rm(project, { recursive: true })
    }
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
    expect(stderr).to.include("cellfan install --prefix DIR").and.not.include("cellfan verify")
    expect(code).to.equal(2)
  })

  it("says what a command takes", async () => {
    const { code, stdout } = await cellfan(["storage", "--help"])
    expect(stdout.trim().split("\n")).to.have.length(4)
    expect(stdout).to.match(/^cellfan storage list/)
    expect(code).to.equal(0)
  })

  it("test runs tasks and keeps an object where the configuration says", async () => {
    const { code, stdout, stderr } = await cellfan(["test"], { CELLFAN_LOCALHOST_STORAGE_ROOT: folder })
    expect(stderr).to.equal("")
    expect(stdout).to.match(
      /^Tasks: localhost ran 4 of them in \d+\.\d\d s\.\nStorage: localhost took an object/,
    )
    expect(code).to.equal(0)
  })

  it("test says of each place that fails why, and tries the other", async () => {
    const file = join(folder, "file")
    await writeFile(file, "no folder")
    const { code, stdout, stderr } = await cellfan(["test"], { CELLFAN_LOCALHOST_STORAGE_ROOT: file })
    expect(stdout).to.match(/^Tasks: localhost ran 4/)
    expect(stderr).to.match(/^Storage: .*file/)
    expect(code).to.equal(1)
  })

  it("storage puts, lists, gets and deletes objects", async () => {
    const run = (...args: string[]) =>
      cellfan(["storage", ...args], { CELLFAN_LOCALHOST_STORAGE_ROOT: join(folder, "root") })
    const file = join(folder, "a.txt")
    await writeFile(file, "one two")
    expect((await run("put", file, "words/a.txt")).stdout).to.match(/^Put words\/a\.txt into \S+\.\n$/)
    expect((await run("put", file)).stdout).to.match(/^Put a\.txt into/)
    const listed = (await run("list", "words/")).stdout
    expect(listed).to.match(/^ +7 {2}\d{4}-\d\d-\d\dT[\d:.]+Z {2}words\/a\.txt\n$/)
    const copy = join(folder, "b.txt")
    expect((await run("get", "words/a.txt", copy)).stdout).to.equal(`Wrote ${copy}.\n`)
    expect(await readFile(copy, "utf8")).to.equal("one two")
    expect((await run("delete", "--prefix", "words/")).code).to.equal(0)
    expect((await run("list")).stdout)
      .to.match(/ a\.txt\n$/)
      .and.not.include("words")
    const missing = await run("get", "words/a.txt", copy)
    expect(missing.code).to.equal(1)
    expect(missing.stderr).to.include("words/a.txt")
    expect(await readFile(copy, "utf8")).to.equal("one two")
    const wrong = await run("remove", "a.txt")
    expect(wrong.stderr).to.match(/^cellfan storage takes list .* but got remove a\.txt\.\n$/)
    expect(wrong.code).to.equal(1)
  })
})

function cellfan(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  program = join(root, "dist", "cli.js"),
): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const options = { env: { ...process.env, ...env } }
    execFile(process.execPath, [program, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr }),
    )
  })
}
