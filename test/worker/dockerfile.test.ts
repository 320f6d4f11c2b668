import { existsSync, readFileSync } from "node:fs"
import { cp, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { capture } from "../../kernel-ext/capture/capture.ts"
import { root } from "../support/repository.ts"
import { ContainerInstance } from "../support/servers/container-instance.ts"
import { call, callUnderLoad, token, untilRunning } from "./worker-calls.ts"

/** recipes/Dockerfile without Docker: what it copies is put into a folder, and its CMD is run there with its variables. */
describe("recipes/Dockerfile", function () {
  this.timeout(60_000)
  const lines = readFileSync(join(root, "recipes", "Dockerfile"), "utf8").split("\n")
  const said = (word: string) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1))
  const env = Object.fromEntries(
    said("ENV").flatMap((line) => line.split(" ").map((pair) => pair.split("=") as [string, string])),
  )
  let folder: string
  let worker: ContainerInstance | undefined
  const inFolder = (text: string) => text.replace(/^\/(?=worker)/, `${folder}/`)

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "cellfan-image-"))
    for (const line of said("COPY")) {
      const [from = "", to = ""] = line.split(" ")
      await cp(join(root, from), inFolder(to), { recursive: true })
    }
  })
  afterEach(async () => {
    await worker?.stop()
    worker = undefined
  })
  after(() => rm(folder, { recursive: true, force: true }))

  async function start(more: Record<string, string> = {}): Promise<ContainerInstance> {
    const [program = "", ...args] = (JSON.parse(said("CMD")[0] ?? "[]") as string[]).map(inFolder)
    worker = await ContainerInstance.start({
      ...{ command: [program], args, memoryMiB: 512 },
      env: { ...env, CELLFAN_TOKEN: token, ...more },
    })
    return worker
  }

  it("copies what the build makes, and runs Node's own image as nobody special", () => {
    for (const line of said("COPY")) expect(existsSync(join(root, line.split(" ")[0] ?? ""))).to.equal(true)
    expect(said("FROM")).to.deep.equal(["node:22-slim"])
    expect(said("USER")).to.deep.equal(["node"])
    expect(said("EXPOSE")).to.deep.equal([env.PORT])
  })

  it("takes calls at PORT, and says at /health how it is, in the words of its HEALTHCHECK", async () => {
    const running = await start()
    await running.ready("/health")
    const double = capture((n: number) => n * 2)
    expect((await call(running, double, [1, 2])).results).to.deep.equal([2, 4])
    const check = JSON.parse((said("HEALTHCHECK")[0] ?? "").replace(/^CMD /, "")) as string[]
    const isHealthy = async (port: string) => {
      const one = await ContainerInstance.start({
        ...{ command: check.slice(0, 1), args: check.slice(1), memoryMiB: 512 },
        // An instance is given a port of its own; this one looks at another's.
        env: { NODE_OPTIONS: `--import=data:text/javascript,process.env.PORT="${port}"` },
      })
      return (await one.ended()).code === 0
    }
    expect(await isHealthy(new URL(running.url).port)).to.equal(true)
    await running.stop()
    expect(await isHealthy(new URL(running.url).port)).to.equal(false)
  })

  it("runs as many calls at once as it is told, under load, each with its own answer", async () => {
    const running = await start({ CELLFAN_CONCURRENCY: "3" })
    await running.ready("/health")
    const wait = capture(() => new Promise((resolve) => setTimeout(resolve, 500)))
    const three = [0, 1, 2].map(() => call(running, wait, [0]))
    await untilRunning(running, 3)
    await Promise.all(three)
    const echo = capture((n: number) => n)
    const { wrong, refused } = await callUnderLoad(running, echo, { callers: 12, each: 50 })
    expect(wrong).to.deep.equal([])
    expect(refused).to.be.greaterThan(0)
  })

  it("does not start without a token", async () => {
    const running = await start({ CELLFAN_TOKEN: "" })
    expect((await running.ended()).code).to.equal(1)
    expect(running.said).to.include("Set CELLFAN_TOKEN to a secret of 16 characters or more")
  })
})
