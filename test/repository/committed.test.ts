import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect } from "chai"
import { repositoryFiles, root } from "../support/repository.ts"

/** Written in parts, so that this file does not hold what it looks for. */
const registries = [
  "registry.npmjs" + ".org",
  "registry.yarnpkg" + ".com",
  "pypi" + ".org",
  "pythonhosted" + ".org",
  "proxy.golang" + ".org",
]
const machinePaths = [
  /(?<![\w.])\/work\/\w/,
  /(?<![\w.])\/home\/[a-z]/,
  /(?<![\w.])\/root\/\w/,
  /\/Users\/[A-Za-z]/,
  /[A-Z]:\\Users\\/,
]

describe("what is committed", () => {
  const files = repositoryFiles()

  it("names no package registry's host", () => {
    expect(filesWith((text) => registries.some((host) => text.includes(host)))).to.deep.equal([])
  })

  it("names no path of somebody's machine", () => {
    const here = "test/repository/committed.test.ts"
    expect(
      filesWith((text) => machinePaths.some((path) => path.test(text))).filter((file) => file !== here),
    ).to.deep.equal([])
  })

  it("holds no file above a megabyte", () => {
    expect(files.filter((file) => readFileSync(join(root, file)).length > 1_000_000)).to.deep.equal([])
  })

  function filesWith(test: (text: string) => boolean): string[] {
    return files.filter((file) => test(readFileSync(join(root, file), "utf8")))
  }
})
