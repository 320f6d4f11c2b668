import { expect } from "chai"
import { read, repositoryFiles } from "../support/repository.ts"
import { importsOf, violation } from "./import-rules.ts"

describe("import rules", () => {
  it("hold for every file of kernel-ext and labextension, type imports included", () => {
    const files = repositoryFiles().filter((path) => /^(kernel-ext|labextension)\/.*\.[cm]?tsx?$/.test(path))
    expect(files.length).to.be.greaterThan(10)
    const broken = files.flatMap((file) => importsOf(read(file)).map((one) => violation(file, one)))
    expect(broken.filter((one) => one !== undefined)).to.deep.equal([])
  })

  const refused: [name: string, file: string, code: string, message: string][] = [
    [
      "a layer that imports one to its right, if only a type",
      "kernel-ext/capture/capture.ts",
      'import type { Backend } from "../backends/backend.ts"',
      "capture may not import backends",
    ],
    [
      "an export from a layer to the right",
      "kernel-ext/protocol/task.ts",
      'export * from "../errors.ts"',
      "protocol may not import errors",
    ],
    [
      "an import type in an annotation",
      "kernel-ext/errors.ts",
      'let x: import("./kernel/types.ts").Cell',
      "errors may not import kernel",
    ],
    [
      "a dynamic import to the right",
      "kernel-ext/util/x.ts",
      'await import("../cli.ts")',
      "util may not import cli",
    ],
    [
      "an import from outside kernel-ext",
      "kernel-ext/kernel/main.ts",
      'import "../../test/support/x.ts"',
      "nothing outside of itself",
    ],
    [
      "node builtins in protocol",
      "kernel-ext/protocol/task.ts",
      'import "node:fs"',
      "also runs in the browser",
    ],
    [
      "tslab outside of cells",
      "kernel-ext/kernel/server.ts",
      'import { createConverter } from "tslab/dist/converter"',
      "knows tslab",
    ],
    [
      "an extension that imports the kernel",
      "labextension/src/a.ts",
      'import "../../kernel-ext/executors/observe.ts"',
      "only kernel-ext/protocol",
    ],
    [
      "an SDK outside of a provider",
      "kernel-ext/backends/backend.ts",
      'import("@aws-sdk/client-lambda")',
      "only in its provider's file",
    ],
    [
      "an SDK loaded before it is used",
      "kernel-ext/storage/s3.ts",
      'import "@aws-sdk/client-s3"',
      "loaded when it is first used",
    ],
    [
      "a provider that imports another",
      "kernel-ext/backends/gcf/run.ts",
      'import "../lambda/run.ts"',
      "never import each other",
    ],
    [
      "what backends share that imports one of them",
      "kernel-ext/backends/serverless/run.ts",
      'import "../lambda/lambda.ts"',
      "imports none of them",
    ],
  ]
  for (const [name, file, code, message] of refused) {
    it(`refuse ${name}`, () => {
      expect(importsOf(code).map((one) => violation(file, one))).to.have.length(1)
      expect(violation(file, importsOf(code)[0] ?? { specifier: "", dynamic: false })).to.include(message)
    })
  }

  const allowed: [name: string, file: string, code: string][] = [
    [
      "a layer that imports one to its left",
      "kernel-ext/kernel/server.ts",
      'import "../executors/observe.ts"',
    ],
    [
      "the extension that imports protocol",
      "labextension/src/a.ts",
      'import "../../kernel-ext/protocol/task.ts"',
    ],
    [
      "an SDK loaded in its provider when used",
      "kernel-ext/storage/s3.ts",
      'await import("@aws-sdk/client-s3")',
    ],
    [
      "what only looks like an import",
      "kernel-ext/util/x.ts",
      '"import \'../cli.ts\'" // import "../cli.ts"',
    ],
  ]
  for (const [name, file, code] of allowed) {
    it(`allow ${name}`, () => {
      const broken = importsOf(code).map((one) => violation(file, one))
      expect(broken.filter((one) => one !== undefined)).to.deep.equal([])
    })
  }
})
