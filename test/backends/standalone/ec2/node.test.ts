import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect } from "chai"
import { Ec2Hosts } from "../../../../kernel-ext/backends/standalone/ec2/ec2.ts"
import type { Ec2Options } from "../../../../kernel-ext/backends/standalone/ec2/options.ts"
import {
  makeAuthority,
  makeServerCertificate,
} from "../../../../kernel-ext/backends/standalone/head/certificate.ts"
import { Cloud } from "../../../support/ec2/cloud.ts"
import { namespaces } from "../../../support/ec2/network.ts"
import { nodeArchive, nodejsOrg, packageRepository, packaging } from "../../../support/ec2/node-sources.ts"
import { need } from "../../../support/needs.ts"
import { waitUntil } from "../../../support/processes.ts"
import { moto } from "../../../support/servers/moto.ts"
import { smallRecipe, Told } from "./recipe.ts"

/** How instances whose image has no Node get it. */
describe("Booted instances without Node", function () {
  this.timeout(120_000)
  const never = new AbortController().signal
  let cloud: Cloud
  let folder: string
  before(async function () {
    need(this, namespaces.what, namespaces.find())
    cloud = await Cloud.start(need(this, moto.what, moto.find()))
    folder = mkdtempSync(join(tmpdir(), "cellfan-node-"))
  })
  after(async () => {
    await cloud?.stop()
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  })

  const inFolder = (path: string): string | undefined => {
    const file = join(folder, path)
    return existsSync(file) ? file : undefined
  }

  /** What an instance's log says when its agent has said where its Node is, or its end. */
  async function logOf(prepare: string, more: Partial<Ec2Options> = {}) {
    cloud.options = { withNode: false, prepare }
    const hosts = new Ec2Hosts(cloud.hostOptions(more))
    const recipe = smallRecipe(`console.error("runs by", process.execPath); setInterval(() => {}, 1000)`)
    try {
      await hosts.start(recipe, new Told(), never)
      const [{ name = "" } = {}] = hosts.hosts
      let log = ""
      await waitUntil(() => {
        log = cloud.instances.get(name)?.log ?? log
        return log.includes("runs by") || hosts.hosts[0]?.reason !== undefined
      }, 60_000)
      return { log, host: hosts.hosts[0] }
    } finally {
      await hosts.clean("all")
      await hosts.close()
    }
  }

  it("install the system's package", async function () {
    need(this, packaging.what, packaging.find())
    packageRepository(folder)
    const url = await cloud.serve((path) => inFolder(join("repository", path)))
    const { log } = await logOf(`
mkdir -p etc/yum.repos.d
printf '[cellfan]\\nname=cellfan\\nbaseurl=${url}\\nenabled=1\\ngpgcheck=0\\n' >etc/yum.repos.d/cellfan.repo`)
    expect(log, log).to.match(/Node v\d+\.\d+\.\d+ is there/)
    expect(log).to.match(/^runs by \/usr\/bin\/node-22$/m)
  })

  it("fetch it from nodejs.org, where there is no package, and look at its hash", async () => {
    nodejsOrg(folder)
    const authority = makeAuthority("tests")
    const { certificate: cert, key } = makeServerCertificate(authority, ["nodejs.org"])
    const asked: string[] = []
    await cloud.serve(
      (path) => {
        asked.push(path)
        return inFolder(path.replace(/^dist\/latest-v22\.x\//, ""))
      },
      { cert, key, port: 443 },
    )
    const trusting = `
rm -f usr/bin/dnf
echo "${cloud.bridge.address} nodejs.org" >>etc/hosts
cat >>etc/ssl/certs/ca-certificates.crt <<'C'
${authority.certificate}
C`
    const { log } = await logOf(trusting)
    expect(log, log).to.match(/^runs by \/opt\/cellfan-node\/bin\/node$/m)
    expect(asked).to.deep.equal([
      "dist/latest-v22.x/SHASUMS256.txt",
      "dist/latest-v22.x/node-v22.99.0-linux-x64.tar.gz",
    ])
    writeFileSync(join(folder, "SHASUMS256.txt"), `${"1".repeat(64)}  node-v22.99.0-linux-x64.tar.gz\n`)
    const { host } = await logOf(trusting)
    expect(host?.reason).to.equal("node.tgz is not what was sent")
  })

  it("fetch it from a URL of one's own", async () => {
    nodeArchive(folder, "own.tar.gz")
    const url = await cloud.serve(inFolder)
    const { log } = await logOf("", { nodeUrl: `${url}/own.tar.gz` })
    expect(log, log).to.match(/^runs by \/opt\/cellfan-node\/bin\/node$/m)
  })

  it("end, and say why, where what they fetch is no Node", async () => {
    writeFileSync(join(folder, "no.tar.gz"), "no archive")
    const url = await cloud.serve(inFolder)
    const { host } = await logOf("", { nodeUrl: `${url}/no.tar.gz` })
    expect(host).to.include({ state: "failed" })
    expect(host?.reason).to.equal("the Node of nodeUrl (linux-x64) does not run here, or is older than 20.19")
  })
})
