import { execFile } from "node:child_process"
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { promisify } from "node:util"
import { expect } from "chai"
import { root } from "../support/repository.ts"

/** What each is asked with, so that its package is what it needs first. */
const backends: readonly (readonly [backend: string, options: object, packages: readonly string[]])[] = [
  ["aws_lambda", { region: "eu-west-1" }, ["@aws-sdk/client-lambda", "@aws-sdk/client-iam"]],
  ["gcp_functions", { region: "europe-west1" }, ["@google-cloud/functions", "google-auth-library"]],
  ["gcp_cloudrun", { region: "europe-west1" }, ["google-auth-library"]],
  ["knative", {}, ["@kubernetes/client-node"]],
  ["openwhisk", {}, ["openwhisk"]],
]
const withoutPackages: readonly (readonly [backend: string, options: object, says: RegExp])[] = [
  ["code_engine", { region: "eu-de" }, /need an API key of IBM Cloud/],
]

describe("A cellfan that was installed alone", function () {
  this.timeout(60_000)
  let folder: string
  let messages: Readonly<Record<string, string>>
  let peers: Readonly<Record<string, string>>

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cellfan-alone-"))
    const manifest = JSON.parse(await readFile(join(root, "package.json"), "utf8"))
    peers = manifest.peerDependencies
    const installed = join(folder, "node_modules", "cellfan")
    await mkdir(installed, { recursive: true })
    for (const name of ["package.json", "dist"])
      await cp(join(root, name), join(installed, name), { recursive: true })
    // What npm brings along, and nothing else.
    for (const name of Object.keys(manifest.dependencies)) {
      const link = join(folder, "node_modules", name)
      await mkdir(dirname(link), { recursive: true })
      await symlink(join(root, "node_modules", name), link)
    }
    const asked = [...backends, ...withoutPackages].map(([backend, options]) => ({ backend, ...options }))
    const script = join(folder, "script.mjs")
    await writeFile(
      script,
      `import { ServerlessExecutor } from "cellfan"
      const messages = {}
      for (const options of ${JSON.stringify(asked)})
        try {
          await new ServerlessExecutor({ ...options, workers: 1 }).map((n) => n, [1])
        } catch (error) {
          messages[options.backend] = error.message
        }
      console.log(JSON.stringify(messages))
      process.exit(0)`,
    )
    const env = { PATH: process.env.PATH, HOME: folder }
    const { stdout } = await promisify(execFile)(process.execPath, [script], { cwd: folder, env })
    messages = JSON.parse(stdout.trim().split("\n").at(-1) ?? "")
  })
  after(() => rm(folder, { recursive: true, force: true }))

  for (const [backend, , packages] of backends)
    it(`says in one line what to install for ${backend}`, () => {
      const message = messages[backend] ?? ""
      const [, hint = ""] = /run (npm install [^\n.]*(?:\.[^\n.]+)*)/.exec(message) ?? []
      expect(message).to.include("not installed: run npm install ")
      const [, , ...words] = hint.replace(/\.$/, "").split(" ")
      expect(words.map((word) => word.replace(/(?<!^)@.*$/, ""))).to.deep.equal(packages)
      for (const name of packages) expect(Object.keys(peers)).to.include(name)
    })

  for (const [backend, , says] of withoutPackages)
    it(`needs no package for ${backend}`, () => {
      expect(messages[backend]).to.match(says)
    })
})
