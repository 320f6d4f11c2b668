import { expect } from "chai"
import { FunctionsApi } from "../../../kernel-ext/backends/gcp_functions/api.ts"
import type { FunctionSpec } from "../../../kernel-ext/backends/gcp_functions/client.ts"
import { type Answers, type GivenAnswer, startAnswers } from "../../support/servers/answers.ts"

describe("What manages functions of Google Cloud Functions", function () {
  this.timeout(20_000)
  let google: Answers
  before(async () => {
    google = await startAnswers()
  })
  after(() => google.stop())
  afterEach(() => google.asked.splice(0))

  const signal = new AbortController().signal
  const spec: FunctionSpec = { buildConfig: { runtime: "nodejs22", entryPoint: "x" } }
  const api = (endpoint = google.url) =>
    new FunctionsApi("p", { endpoint, region: "europe-west1", tokens: { headersFor: async () => ({}) } })
  const answer = (value: object, status = 200, headers = {}): GivenAnswer => ({
    ...{ status, headers, body: JSON.stringify(value) },
  })
  const refusal = (status: number, message: string, headers = {}) =>
    answer({ error: { code: status, message, status: "SOME" } }, status, headers)
  const failure = (asked: Promise<unknown>) =>
    asked.then(
      () => expect.fail("it went well"),
      (error) => error,
    )
  const paths = () => google.asked.map(({ method, url }) => `${method} ${url.replace(/\?.*/, "")}`)
  const parent = "/v2/projects/p/locations/europe-west1"

  it("are listed whole, page after page", async () => {
    google.answers = [
      answer({ functions: [{ name: "a" }, { name: "b" }], nextPageToken: "next" }),
      answer({ functions: [{ name: "c", updateTime: "2026-11-28T10:00:00Z", labels: { k: "v" } }] }),
    ]
    const found = await api().list()
    expect(found.map(({ name }) => name)).to.deep.equal(["a", "b", "c"])
    expect(found[2]?.labels).to.deep.equal({ k: "v" })
    expect(google.asked[1]?.url).to.include("pageToken=next")
  })

  it("are found at an endpoint that has a path, and by a state that the client does not know yet", async () => {
    google.answers = [answer({ name: "f", state: 17, aFieldOfTomorrow: { x: 1 } })]
    const found = await api(`${google.url}/behind/`).find("f", signal)
    expect(found?.name).to.equal("f")
    expect(paths()).to.deep.equal([`GET /behind${parent}/functions/f`])
  })

  it("is asked again by nobody but cellfan: five times in all", async () => {
    google.answers = [refusal(503, "The service is currently unavailable")]
    const error = await failure(api().find("f", signal))
    expect(error).to.include({ name: "BackendError", kind: "unavailable", retryable: true })
    expect(google.asked).to.have.length(5)
  })

  it("is asked again when Google says so", async () => {
    google.answers = [
      refusal(429, "Quota exceeded for requests per minute", { "retry-after": "1" }),
      answer({ name: "f" }),
    ]
    const beganAt = performance.now()
    expect((await api().find("f", signal))?.name).to.equal("f")
    expect(performance.now() - beganAt).to.be.within(990, 5000)
    expect(google.asked).to.have.length(2)
  })

  it("tells of an answer that is no JSON, and of one that breaks off", async () => {
    google.answers = [{ status: 400, body: "<html><title>400</title><p>Your proxy says no</p></html>" }]
    expect((await failure(api().find("f", signal))).message).to.match(
      /^Cloud Functions in europe-west1 could not look for the function f: .*Your proxy says no.*\(HTTP 400\)\.$/,
    )
    google.answers = ["reset"]
    expect(await failure(api().list())).to.include({ kind: "network", retryable: true })
  })

  it("is given up at once when its signal says so, with its connection", async () => {
    google.answers = ["silence"]
    const controller = new AbortController()
    const asked = failure(api().find("f", controller.signal))
    while (google.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const reason = new Error("enough")
    const beganAt = performance.now()
    controller.abort(reason)
    expect(await asked).to.equal(reason)
    expect(performance.now() - beganAt).to.be.lessThan(500)
  })

  it("waits for a function to be made, whatever becomes of the answers in between", async () => {
    const operation = "projects/p/locations/europe-west1/operations/o"
    google.answers = [
      answer({ name: operation }),
      refusal(503, "The service is currently unavailable"),
      "reset",
      answer({ name: operation, done: false }),
      answer({ name: operation, done: true }),
    ]
    await api().create("f", spec, signal)
    expect(paths()).to.deep.equal([`POST ${parent}/functions`, ...Array(4).fill(`GET /v2/${operation}`)])
  })

  it("stops waiting for a function to be made when its signal says so", async () => {
    google.answers = [answer({ name: "projects/p/locations/europe-west1/operations/o" })]
    const error = await failure(api().create("f", spec, AbortSignal.timeout(800)))
    expect(error.name).to.match(/TimeoutError|AbortError/)
    const asked = google.asked.length
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(google.asked).to.have.length(asked)
  })

  it("takes a function that another kernel made at the same moment, and none for what is gone", async () => {
    google.answers = [refusal(409, "Could not create Cloud Run service f. A service with this name exists")]
    await api().create("f", spec, signal)
    google.answers = [refusal(404, "Resource 'f' was not found")]
    expect(await api().find("f", signal)).to.equal(undefined)
    expect(await api().remove("f")).to.equal(false)
  })

  it("deletes a function whose build fails, and says why it failed", async () => {
    const name = "projects/p/locations/europe-west1/operations/o"
    const failed = { code: 3, message: "Build failed: npm error code E404" }
    google.answers = [answer({ name, done: true, error: failed }), answer({ name: "delete", done: false })]
    expect(await failure(api().create("f", spec, signal))).to.include({
      kind: "init",
      message:
        "Cloud Functions in europe-west1 could not make the function f: it does not start: Build failed: npm error code E404.",
    })
    expect(paths()).to.deep.equal([`POST ${parent}/functions`, `DELETE ${parent}/functions/f`])
  })
})
