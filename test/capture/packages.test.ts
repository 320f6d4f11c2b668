import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { Imports } from "../../kernel-ext/capture/load/imports.ts"
import { bundlePackages } from "../../kernel-ext/capture/packages.ts"

describe("Package bundles", () => {
  let folder: string
  let cacheFolder: string
  const lines: string[] = []
  const onProgress = (text: string) => lines.push(text)

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cellfan-packages-"))
    cacheFolder = join(folder, "cache")
    lines.length = 0
    writePackage("plain", { main: "index.js" }, { "index.js": "exports.twice = (n) => n * 2" })
  })

  afterEach(() => {
    rmSync(folder, { recursive: true, force: true })
  })

  function writePackage(name: string, manifest: object, files: Record<string, string>): void {
    const root = join(folder, "node_modules", name)
    for (const [file, text] of Object.entries({
      ...files,
      "package.json": JSON.stringify({ name, version: "1.0.0", ...manifest }),
    })) {
      mkdirSync(join(root, file, ".."), { recursive: true })
      writeFileSync(join(root, file), text)
    }
  }

  const bundle = (specifiers: string[], external: string[] = []) =>
    bundlePackages(specifiers, { folder, cacheFolder, external, onProgress })

  it("are of packages only, not of Node's modules or cellfan", async () => {
    expect(await bundle(["node:fs", "fs/promises", "cellfan"])).to.equal(undefined)
    expect(lines).to.deep.equal([])
  })

  it("hold packages and their subpaths for a place that has none of them", async () => {
    writePackage(
      "modern",
      { type: "module", exports: { ".": "./main.js", "./sub": "./sub.js" } },
      {
        "main.js": "export default 1; export const two = 2",
        "sub.js": 'import { twice } from "plain"; export default twice(3)',
      },
    )
    const packages = await bundle(["plain", "modern", "modern/sub"])
    const elsewhere = new Imports(tmpdir(), { packages, cacheFolder: join(folder, "v8") })
    expect((elsewhere.require("plain") as { twice(n: number): number }).twice(4)).to.equal(8)
    expect(await elsewhere.import("modern")).to.include({ default: 1, two: 2 })
    expect(await elsewhere.import("modern/sub")).to.include({ default: 6 })
    expect(readdirSync(join(folder, "v8"))).to.have.length(1)
  })

  it("are built once and then read from disk", async () => {
    const first = await bundle(["plain"])
    expect(lines).to.have.length(2)
    expect(lines[1]).to.match(/^Bundled plain in \d+\.\d s: \d+ kB$/)
    const [file = ""] = readdirSync(cacheFolder)
    utimesSync(join(cacheFolder, file), 1, 1)
    expect(await bundle(["plain"])).to.deep.equal(first)
    expect(lines).to.have.length(2)
    expect(statSync(join(cacheFolder, file)).mtimeMs).to.equal(1000)
  })

  it("are built anew when the lockfile changes", async () => {
    writeFileSync(join(folder, "package-lock.json"), '{ "a": 1 }')
    await bundle(["plain"])
    writeFileSync(join(folder, "package-lock.json"), '{ "a": 2 }')
    await bundle(["plain"])
    expect(lines.filter((line) => line.startsWith("Bundled"))).to.have.length(2)
  })

  it("refuse a package with native code, and say what to do", async () => {
    writePackage("native", { main: "index.js", gypfile: true }, { "index.js": "exports.a = 1" })
    let message = ""
    await bundle(["native"]).catch((error: Error) => {
      message = error.message
    })
    expect(message).to.equal(
      "The package native has native code, which cannot be sent. Install it where the tasks run and name it in " +
        'packages: { external: ["native"] }, or use a package without native code.',
    )
    expect(await bundle(["native"], ["native"])).to.equal(undefined)
  })

  it("warn of native code that its package can do without", async () => {
    writePackage("fast", { main: "index.js" }, { "index.js": "exports.fast = true", "binding.gyp": "{}" })
    writePackage(
      "careful",
      { main: "index.js", optionalDependencies: { fast: "1" } },
      { "index.js": 'try { exports.fast = require("fast").fast } catch { exports.fast = false }' },
    )
    await bundle(["careful"])
    expect(lines).to.include("Left out native code that is optional: fast")
  })

  it("name a package that is not installed", async () => {
    let message = ""
    await bundle(["missing-package"]).catch((error: Error) => {
      message = error.message
    })
    expect(message).to.contain("missing-package cannot be bundled: Could not resolve")
  })
})
