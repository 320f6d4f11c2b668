import { existsSync } from "node:fs"
import { dirname, join } from "node:path"
import { expect } from "chai"
import { read, repositoryFiles, root } from "../support/repository.ts"

describe("the documents", () => {
  const documents = repositoryFiles().filter((path) => path.endsWith(".md"))

  for (const document of documents) {
    it(`${document} links only to files that exist`, () => {
      const links = [...read(document).matchAll(/\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/g)].map(
        (match) => match[1] ?? match[2] ?? "",
      )
      const relative = links
        .filter((link) => !/^(https?:|mailto:|#)/.test(link))
        .map((link) => link.replace(/#.*$/, ""))
      expect(relative.filter((link) => !existsSync(join(root, dirname(document), link)))).to.deep.equal([])
    })
  }

  it("show every feature by a test or a notebook that exists", () => {
    const rows = read("FEATURES.md")
      .split("\n")
      .filter((line) => /^\| *\d+ /.test(line))
    expect(rows.length).to.be.greaterThan(5)
    for (const row of rows) {
      const shownBy = [...(row.split("|").at(-2) ?? "").matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? "")
      expect(shownBy, row).not.to.deep.equal([])
      expect(shownBy.filter((path) => !existsSync(join(root, path)))).to.deep.equal([])
    }
  })
})
