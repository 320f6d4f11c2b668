import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { inspect } from "node:util"
import { expect } from "chai"
import { type Configuration, readConfiguration } from "../../kernel-ext/config/load.ts"
import type { Secret } from "../../kernel-ext/config/secret.ts"
import { describeStorage, storageBackend } from "../../kernel-ext/config/storage.ts"
import { ConfigError } from "../../kernel-ext/errors.ts"

let folder: string
let home: string

/** For one describe: at the top of a file it would be made for all other files' tests as well. */
function inAFolder(): void {
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "cellfan-config-"))
    home = join(folder, "home")
  })
  afterEach(() => rmSync(folder, { recursive: true }))
}

function write(name: string, text: string): string {
  const path = join(folder, name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
  return path
}

function read(env: Record<string, string> = {}): Configuration {
  return readConfiguration({ env: { HOME: home, ...env }, folder })
}

/** Message of the ConfigError that this throws. */
function refusal(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    expect(error).to.be.instanceOf(ConfigError)
    return (error as Error).message
  }
  throw new Error("It was taken, and it should have been refused")
}

describe("configuration", () => {
  inAFolder()

  it("takes an option before the environment, and that before the file", () => {
    write("cellfan.config.yaml", "aws_lambda:\n  memoryMiB: 300\n  timeoutMs: 7000\n  workers: 5\n")
    const env = { CELLFAN_AWS_LAMBDA_MEMORY_MIB: "400", CELLFAN_AWS_LAMBDA_TIMEOUT_MS: "8000" }
    const { memoryMiB, timeoutMs, workers, region } = read(env).section("aws_lambda", {
      memoryMiB: 500,
    })
    expect({ memoryMiB, timeoutMs, workers, region }).to.deep.equal({
      memoryMiB: 500,
      timeoutMs: 8000,
      workers: 5,
      region: undefined,
    })
  })

  it("shows what is in force and where each value came from, without secrets", () => {
    const path = write(
      "cellfan.config.yaml",
      "aws:\n  region: eu-west-1\n\naws_s3:\n  secret_access_key: hush-hush\n",
    )
    const rows = read({ CELLFAN_AWS_S3_BUCKET: "data-bucket" }).rows()
    const inSection = rows.filter(({ section }) => section === "aws_s3")
    expect(inSection).to.deep.equal([
      { section: "aws_s3", key: "bucket", value: "'data-bucket'", from: "CELLFAN_AWS_S3_BUCKET" },
      { section: "aws_s3", key: "region", value: "'eu-west-1'", from: `${path}, line 2` },
      { section: "aws_s3", key: "secretAccessKey", value: "•••", from: `${path}, line 5` },
    ])
  })

  it("hands on secrets as what nothing prints", () => {
    write("cellfan.config.json", '{ "aws": { "secretAccessKey": "hush-hush" } }')
    const values = read().section("aws")
    const secret = values.secretAccessKey as Secret
    expect(secret.reveal()).to.equal("hush-hush")
    expect(
      `${inspect(values, { showHidden: true, depth: 9 })}${JSON.stringify(values)}${String(secret)}`,
    ).to.not.include("hush")
  })

  it("lets a section take from the one it shares with others what it does not say itself", () => {
    write("cellfan.config.yaml", "aws:\n  region: eu-west-1\n  profile: work\naws_s3:\n  region: us-east-2\n")
    expect(read().section("aws_lambda")).to.include({ region: "eu-west-1", profile: "work" })
    expect(read().section("aws_s3")).to.include({ region: "us-east-2", profile: "work" })
  })

  it("takes the environment before the file, also where the file says it of a single section", () => {
    write("cellfan.config.yaml", "aws_lambda:\n  region: eu-west-1\n")
    expect(read({ CELLFAN_AWS_REGION: "us-east-2" }).section("aws_lambda").region).to.equal("us-east-2")
  })

  it("shows no value of environment variables of functions, and no password within an address", () => {
    write("cellfan.config.yaml", "aws_lambda:\n  env: { TOKEN: hush }\n  endpoint: https://me:hush@host\n")
    const rows = read({ CELLFAN_STANDALONE_NATS: "nats://me:hush@host" }).rows()
    const shown = rows.map(({ key, value }) => `${key} ${value}`)
    expect(shown).to.include("env { TOKEN: ••• }").and.to.include("endpoint 'https://•••@host'")
    expect(shown.join()).to.not.include("hush")
  })

  it("tells of what is wrong in all sections, also in those that nothing has asked for", () => {
    write("cellfan.config.yaml", "aws_lambda:\n  memoryMiB: much\nlocalhost:\n  workers: 0\n")
    expect(read({ CELLFAN_STORAGE: "minio" }).problems()).to.have.length(2)
    expect(read().problems().join()).to.include("line 2: `memoryMiB`").and.to.include("line 4: `workers`")
  })

  it("reads the environment's numbers, booleans and records", () => {
    const env = {
      CELLFAN_RETRIES: "3",
      CELLFAN_AWS_S3_PATH_STYLE: "true",
      CELLFAN_AWS_LAMBDA_TAGS: "team=data, stage=a=b",
      CELLFAN_STANDALONE_NATS: "nats://a, nats://b",
    }
    expect(read(env).section("cellfan").retries).to.equal(3)
    expect(read(env).section("aws_s3").pathStyle).to.equal(true)
    expect(read(env).section("aws_lambda").tags).to.deep.equal({ team: "data", stage: "a=b" })
    expect(read(env).section("standalone").nats).to.deep.equal(["nats://a", "nats://b"])
  })
})

describe("a configuration file", () => {
  inAFolder()

  it("is the named one, or the first of the working folder, the home folder and Lithops' places", () => {
    write(".lithops_config", "lithops:\n  backend: lithops-here\n")
    write("home/.lithops/config", "lithops:\n  backend: lithops-home\n")
    const backend = (env = {}) => read(env).section("cellfan").backend
    expect(backend()).to.equal("lithops-here")
    write("home/.cellfan/config", "cellfan:\n  backend: home\n")
    expect(backend()).to.equal("home")
    write("cellfan.config.json", '{"cellfan": {"backend": "json"}}')
    expect(backend()).to.equal("json")
    write("cellfan.config.yaml", "cellfan:\n  backend: yaml\n")
    expect(backend()).to.equal("yaml")
    const named = write("elsewhere/x", "cellfan:\n  backend: named\n")
    expect(backend({ CELLFAN_CONFIG_FILE: named })).to.equal("named")
  })

  it("that is named and not there is an error", () => {
    expect(refusal(() => read({ CELLFAN_CONFIG_FILE: "none.yaml" })))
      .to.include("CELLFAN_CONFIG_FILE")
      .and.to.include("none.yaml")
  })

  it("may be Lithops' own: sections, keys and units are understood, and the rest is told once by name", () => {
    write(
      ".lithops_config",
      [
        "lithops:",
        "  backend: aws_lambda",
        "  storage: aws_s3",
        "  monitoring: storage",
        "  execution_timeout: 600",
        "aws:",
        "  region_name: eu-west-1",
        "  access_key_id: AKIAX",
        "  secret_access_key: hush",
        "aws_lambda:",
        "  execution_role: arn:aws:iam::1:role/x",
        "  runtime_memory: 2048",
        "  runtime_timeout: 120",
        "  max_workers: 50",
        "aws_s3:",
        "  storage_bucket: my-data",
        "azure:",
        "  resource_group: x",
        "something_of_mine: 1",
      ].join("\n"),
    )
    const configured = read()
    expect(configured.section("cellfan")).to.include({ backend: "aws_lambda", timeoutMs: 600_000 })
    expect(configured.section("aws_lambda")).to.include({
      region: "eu-west-1",
      roleArn: "arn:aws:iam::1:role/x",
      memoryMiB: 2048,
      timeoutMs: 120_000,
      workers: 50,
    })
    expect(configured.warnings.map((text) => text.replace(/^.*line /, ""))).to.deep.equal([
      "4: `monitoring` of lithops has no meaning here and is passed over.",
      "17: the section azure has no meaning in this version and is passed over.",
      "19: the section something_of_mine has no meaning in this version and is passed over.",
    ])
    expect(describeStorage(configured)).to.deep.equal({
      backend: "aws_s3",
      bucket: "my-data",
      options: { region: "eu-west-1" },
      secrets: { accessKeyId: "AKIAX", secretAccessKey: "hush" },
    })
  })

  const wrong: [what: string, text: string, message: RegExp][] = [
    [
      "a section that does not exist",
      "aws_lamda:\n  x: 1\n",
      /line 1: there is no section `aws_lamda`; did you mean `aws_lambda`\?/,
    ],
    [
      "a key that does not exist",
      "aws_lambda:\n  memoryMib: 512\n",
      /line 2: aws_lambda has no key `memoryMib`; did you mean `memoryMiB`\?/,
    ],
    [
      "a value of another kind",
      "\naws_lambda:\n  memoryMiB: much\n",
      /line 3: `memoryMiB` of aws_lambda takes an integer from 128 to 10240, but got 'much'/,
    ],
    [
      "a value that is too large",
      "aws_lambda:\n  runtime_timeout: 1000\n",
      /line 2: `runtime_timeout` \(`timeoutMs` here\) of aws_lambda takes an integer from 1000 to 900000, but got 1000000/,
    ],
    [
      "a value that is not one of some",
      "aws_lambda: { architecture: arm }\n",
      /line 1: .*takes "x86_64" or "arm64", but got 'arm'. Did you mean "arm64"\?/,
    ],
    [
      "a secret that is no text",
      "aws_lambda:\n  secretAccessKey: 48151623\n",
      /line 2: `secretAccessKey` of aws_lambda takes .*, but got a value that is not shown/,
    ],
    [
      "a section that is a text",
      "aws_lambda: yes please\n",
      /line 1: The section aws_lambda takes keys with values, .* but here is a text/,
    ],
    [
      "a section that is a list",
      "aws:\n  - region: x\n",
      /line 2: The section aws takes .* but here is a list/,
    ],
    [
      "a key that stands in a wrong section",
      "cellfan:\n  architecture: arm64\n",
      /line 2: cellfan has no key `architecture`. It is a key of aws_lambda. It takes mode, backend/,
    ],
    [
      "a key that stands in no section",
      "architecture: arm64\n",
      /line 1: there is no section `architecture`. It is a key of aws_lambda./,
    ],
    [
      "a key that stands twice",
      "aws:\n  region: a\n  region: b\n",
      /line 3: `region` stands here a second time/,
    ],
    ["a key that is no name", "? [aws, gcp]\n: {}\n", /line 1: here a key is no name/],
    [
      "a secret that is joined to its key",
      "aws: {secretAccessKey:48151623}\n",
      /line 1: after `secretAccessKey` stands no colon with a blank behind it/,
    ],
    [
      "a secret whose quote stays open",
      'aws:\n  secretAccessKey: "48151623\n',
      /line \d: cannot be read as YAML/,
    ],
    [
      "a reference to nothing",
      "aws:\n  region: *nowhere\n",
      /line 2: there is nothing before this line that is called &nowhere/,
    ],
    ["a tag", "aws:\n  region: !env REGION\n", /line 2: .*Unresolved tag: !env/],
    ["two documents", "aws: {}\n---\ngcp: {}\n", /line 2: a second document begins/],
    [
      "a password within an address",
      "aws_lambda:\n  endpoint: me:48151623@host\n",
      /line 2: `endpoint` of aws_lambda takes a URL .*, but got '•••@host'/,
    ],
    [
      "an environment variable of functions that is no text",
      "aws_lambda:\n  env: { TOKEN: 48151623 }\n",
      /line 2: `env` of aws_lambda takes .*, but its `TOKEN` is a value that is not shown/,
    ],
    ["what is no YAML", "aws_lambda: [1, 2\n", /line \d: cannot be read as YAML/],
    [
      "a URL that is none",
      "aws_lambda:\n  endpoint: my host\n",
      /line 2: `endpoint` of aws_lambda takes a URL/,
    ],
  ]
  for (const [what, text, message] of wrong) {
    it(`is refused with ${what}, by file and line`, () => {
      const path = write("cellfan.config.yaml", text)
      const said = refusal(() => read().section("aws_lambda"))
      expect(said).to.match(message)
      expect(said).to.include(path).and.not.to.include("48151623")
    })
  }

  it("is refused where it is a folder, or not UTF-8", () => {
    mkdirSync(join(folder, "a-folder"))
    expect(refusal(() => read({ CELLFAN_CONFIG_FILE: "a-folder" }))).to.match(
      /a-folder cannot be read: EISDIR/,
    )
    writeFileSync(join(folder, "cellfan.config.yaml"), Buffer.from("aws:\n  region: \xe9\n", "latin1"))
    expect(refusal(() => read())).to.match(/cellfan.config.yaml is not written in UTF-8/)
  })

  it("may say a thing once and refer to it", () => {
    write("cellfan.config.yaml", "aws: &own\n  region: &r eu-west-1\nminio:\n  region: *r\naws_s3: *own\n")
    expect(read().section("minio")).to.include({ region: "eu-west-1" })
    expect(read().section("aws_s3")).to.include({ region: "eu-west-1" })
  })

  it("has lines in JSON too", () => {
    write("cellfan.config.json", '{\n  "aws": {\n    "regoin": "x"\n  }\n}')
    expect(refusal(() => read())).to.match(/line 3: aws has no key `regoin`; did you mean `region`\?/)
  })

  it("may be empty, and its sections too", () => {
    write("cellfan.config.yaml", "aws:\n# nothing yet\n")
    expect(read().section("cellfan").mode).to.equal(undefined)
    write("cellfan.config.yaml", "")
    expect(read().section("cellfan").mode).to.equal(undefined)
  })
})

describe("the environment", () => {
  inAFolder()

  it("is refused where a variable of ours is misspelt or has a wrong value, by its name", () => {
    expect(refusal(() => read({ CELLFAN_AWS_S3_BUKET: "x" })))
      .to.include("CELLFAN_AWS_S3_BUKET")
      .and.to.include("CELLFAN_AWS_S3_BUCKET")
    expect(refusal(() => read({ CELLFAN_MOED: "serverless" }))).to.include("did you mean `CELLFAN_MODE`?")
    expect(read({ CELLFAN_MODEL_PATH: "/models", CELLFAN_FOO: "1" }).rows()).to.have.length(2)
    const message = refusal(() => read({ CELLFAN_MODE: "cloud" }).section("cellfan"))
    expect(message).to.match(
      /^The environment variable CELLFAN_MODE takes "localhost", "serverless" or "standalone", but got 'cloud'/,
    )
  })
})

describe("storage as configured", () => {
  inAFolder()

  it("is files of this machine where nothing says otherwise, and stands beside the compute backend where that is named", () => {
    expect(describeStorage(read())).to.deep.equal({
      backend: "localhost",
      bucket: undefined,
      options: { root: join(home, ".cellfan", "storage") },
    })
    expect(storageBackend(read({ CELLFAN_BACKEND: "aws_lambda" }))).to.equal("aws_s3")
    expect(storageBackend(read({ CELLFAN_BACKEND: "aws_lambda", CELLFAN_STORAGE: "minio" }))).to.equal(
      "minio",
    )
  })

  it("has the address of IBM's region, and asks for that of MinIO", () => {
    const ibm = describeStorage(read({ CELLFAN_IBM_REGION: "eu-de" }), { backend: "ibm_cos" })
    expect(ibm.options).to.include({
      endpoint: "https://s3.eu-de.cloud-object-storage.appdomain.cloud",
      pathStyle: true,
    })
    expect(refusal(() => describeStorage(read(), { backend: "minio" }))).to.include("endpoint")
  })

  it("names what is wrong in its options", () => {
    expect(refusal(() => describeStorage(read(), { backend: "aws_s4" }))).to.include("aws_s3")
    expect(refusal(() => describeStorage(read(), { bukket: "x" } as never))).to.include("bukket")
    expect(refusal(() => describeStorage(read(), { bucket: "No" }))).to.include("3 to 63")
    const minioSecret = { backend: "minio", endpoint: "http://x", secretAccessKey: 7 } as never
    expect(refusal(() => describeStorage(read(), minioSecret))).to.include("not shown")
  })
})
