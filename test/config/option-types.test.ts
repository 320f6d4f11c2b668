import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { expect } from "chai"
import ts from "typescript"
import { writeOptionTypes } from "../../scripts/build/option-types.mjs"
import { root } from "../support/repository.ts"

const schema = join(root, "kernel-ext", "config", "schema.ts")

/** The names of the types of options, and whether each is what goes in or what comes out of its schema. */
const types = [
  ...readFileSync(schema, "utf8").matchAll(/export type (\w+) = z\.(input|output)<typeof (\w+)>/g),
].map(([, name = "", side = "", of = ""]) => ({ name, side, of }))

describe("The written types of options", function () {
  this.timeout(60_000)
  let folder: string

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cellfan-types-"))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  it("are those of the schemas, in both directions", async () => {
    expect(types.map((type) => type.name)).to.include.members(["JobOptions", "ResolvedJobOptions"])
    const written = join(folder, "schema.d.ts")
    writeFileSync(
      written,
      [
        ...new Set(types.map(({ of }) => `export declare const ${of}: z.ZodObject;`)),
        ...types.map(({ name, side, of }) => `export type ${name} = z.${side}<typeof ${of}>;`),
      ].join("\n"),
    )
    await writeOptionTypes(written)
    expect(readFileSync(written, "utf8")).not.to.match(/\bz\./).and.not.to.include("zod")

    const check = join(folder, "check.ts")
    const lines = [
      "type Flat<T> = { [K in keyof T]: T[K] }",
      "type Same<A, B> = (<T>() => T extends Flat<A> ? 1 : 2) extends <T>() => T extends Flat<B> ? 1 : 2 ? true : false",
      ...types.map(({ name }) => `export const of${name}: Same<S.${name}, W.${name}> = true`),
    ]
    writeFileSync(
      check,
      `import type * as S from ${JSON.stringify(schema)}\nimport type * as W from "./schema.d.ts"\n${lines.join("\n")}\n`,
    )
    const program = ts.createProgram([check], {
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: [],
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.NodeNext,
      allowImportingTsExtensions: true,
      exactOptionalPropertyTypes: true,
    })
    const problems = ts.getPreEmitDiagnostics(program).filter(({ file }) => file?.fileName === check)
    expect(
      problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n")),
    ).to.deep.equal([])
  })

  it("are all that public types say of options: nothing that a notebook reads leads to zod's", () => {
    const first = join(root, "dist", "types", "index.d.ts")
    const read = new Set([first])
    for (const file of read) {
      for (const { fileName } of ts.preProcessFile(readFileSync(file, "utf8")).importedFiles) {
        expect(fileName, file).not.to.match(/^zod/)
        if (fileName.startsWith(".")) read.add(join(dirname(file), fileName.replace(/\.ts$/, ".d.ts")))
      }
    }
    expect(read.size).to.be.above(20)
  })
})
