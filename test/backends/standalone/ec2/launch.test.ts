import { gunzipSync } from "node:zlib"
import { expect } from "chai"
import { Ec2Hosts } from "../../../../kernel-ext/backends/standalone/ec2/ec2.ts"
import type { Ec2Options } from "../../../../kernel-ext/backends/standalone/ec2/options.ts"
import { userPolicy } from "../../../../kernel-ext/backends/standalone/ec2/policy.ts"
import type { BackendError } from "../../../../kernel-ext/errors.ts"
import { type Ec2Shim, startEc2Shim } from "../../../support/ec2/shim.ts"
import { need } from "../../../support/needs.ts"
import { moto, startMoto } from "../../../support/servers/moto.ts"
import { freePort, type Server } from "../../../support/servers/server-process.ts"
import { smallRecipe, Told } from "./recipe.ts"

const keys = { accessKeyId: "test", secretAccessKey: "test" }

describe("Instances on EC2", function () {
  this.timeout(60_000)
  let server: Server
  let shim: Ec2Shim
  const open: Ec2Hosts[] = []
  before(async function () {
    server = await startMoto(need(this, moto.what, moto.find()))
  })
  after(() => server?.stop())
  beforeEach(async () => {
    shim = await startEc2Shim(server.url)
  })
  afterEach(async () => {
    const [first] = open
    await (first ?? hostsOf()).clean("all")
    await Promise.all(open.splice(0).map((hosts) => hosts.close()))
    await shim.stop()
  })

  function hostsOf(more: Partial<Ec2Options> = {}): Ec2Hosts {
    const hosts = new Ec2Hosts({
      access: { region: "us-east-1", endpoint: shim.url, keys: () => keys },
      ...{
        owner: "ada",
        pool: "test",
        instances: 4,
        minHosts: 1,
        instanceType: "t3.medium",
        headType: "t3.small",
      },
      ...{ spot: false, onDemandFallback: true, diskGiB: 8, expiresAfterMs: 3_600_000 },
      ...{ pollMs: { pending: 20, steady: 100 }, firstPauseMs: 5 },
      storage: () => ({
        ...{ backend: "aws_s3", bucket: undefined, secrets: keys },
        options: { region: "us-east-1", endpoint: shim.url, pathStyle: true },
      }),
      ...more,
    })
    open.push(hosts)
    return hosts
  }

  const recipe = smallRecipe("setInterval(() => {}, 1000)")
  const never = new AbortController().signal

  async function start(more: Partial<Ec2Options> = {}) {
    const hosts = hostsOf(more)
    const told = new Told()
    await hosts.start(recipe, told, never)
    return { hosts, told, running: hosts.hosts.filter(({ state }) => state === "running").length }
  }

  async function failure(more: Partial<Ec2Options> = {}): Promise<BackendError> {
    try {
      await start(more)
    } catch (error) {
      return error as BackendError
    }
    throw new Error("It did not fail.")
  }

  it("are launched by one call, without a way in, with metadata by token, an encrypted disk, tags and their own end", async () => {
    const { told, running } = await start()
    expect(running).to.equal(4)
    expect(told.said).to.deep.equal(["Launched 4 t3.medium in us-east-1."])
    expect(shim.launches).to.have.length(1)
    const call = Object.fromEntries(shim.launches[0] ?? [])
    expect(call).to.include({
      MinCount: "1",
      MaxCount: "4",
      InstanceInitiatedShutdownBehavior: "terminate",
      "MetadataOptions.HttpTokens": "required",
      "MetadataOptions.HttpPutResponseHopLimit": "1",
      "BlockDeviceMapping.1.Ebs.Encrypted": "true",
      "BlockDeviceMapping.1.Ebs.DeleteOnTermination": "true",
    })
    const tags = Object.entries(call).flatMap(([name, key]) => {
      const [, at] = /^TagSpecification\.1\.Tag\.(\d+)\.Key$/.exec(name) ?? []
      return at === undefined ? [] : [[key, call[`TagSpecification.1.Tag.${at}.Value`]]]
    })
    expect(Object.fromEntries(tags)).to.include({
      "cellfan:owner": "ada",
      "cellfan:pool": "test",
      "cellfan:role": "worker",
      "cellfan:agent": recipe.hash.slice(0, 16),
      "cellfan:launch": call.ClientToken,
    })
    expect(tags.map(([key]) => key)).to.include("cellfan:expires")
    const script = gunzipSync(Buffer.from(String(call.UserData), "base64")).toString()
    expect(script.startsWith("#!/bin/bash\n")).to.equal(true)
    expect(script).to.include("agent.mjs.gz")
  })

  it("know what they cost", async () => {
    const { hosts } = await start({ instances: 1, instanceType: "c5.2xlarge" })
    const { inventory, usdPerHour } = await hosts.list()
    expect(inventory.instances).to.have.length(1)
    // Four times "large", 8 GiB of disk and a public address.
    expect(usdPerHour[0]).to.be.closeTo(0.34 + (8 * 0.08) / 730 + 0.005, 1e-9)
    expect(hosts.hosts[0]?.usdPerHour).to.equal(usdPerHour[0])
    const own = await start({ instances: 2, instanceType: "c5.2xlarge", usdPerHour: 0.1 })
    expect(own.hosts.hosts.map((host) => host.usdPerHour)).to.deep.equal([0.1, 0.1])
  })

  it("are found again by another kernel, which launches only what is missing", async () => {
    await start({ instances: 2 })
    const { told, running } = await start({ instances: 3 })
    expect(running).to.equal(3)
    expect(told.said).to.deep.equal([
      "Found 2 warm instances of this pool.",
      "Launched 1 t3.medium in us-east-1.",
    ])
    expect(shim.launches.map((call) => call.get("MaxCount"))).to.deep.equal(["2", "1"])
  })

  it("are left to end by themselves where another version made them", async () => {
    await start({ instances: 2 })
    const hosts = hostsOf({ instances: 1 })
    const told = new Told()
    await hosts.start(smallRecipe("another agent"), told, never)
    expect(told.said[0]).to.match(/^2 instances run an agent of another version/)
    expect(hosts.hosts).to.have.length(1)
  })

  it("are not launched twice where the answer to a launch was lost", async () => {
    shim.lost.push("RunInstances")
    const { hosts, running } = await start({ instances: 3 })
    expect(running).to.equal(3)
    expect((await hosts.list()).inventory.instances).to.have.length(3)
  })

  it("begin with as many as there are, and say why there are not more", async () => {
    shim.capacity["on-demand"] = 2
    const { told, running } = await start({ instances: 4 })
    expect(running).to.equal(2)
    expect(told.said.at(-1)).to.match(
      /^2 of 4 instances were to be had, which goes on with those: EC2 in us-east-1 has only 2 of 4 t3.medium instances now; take another `instanceType`/,
    )
  })

  it("are given back where fewer are to be had than are needed", async () => {
    shim.capacity["on-demand"] = 2
    const error = await failure({ instances: 4, minHosts: 3 })
    expect(error.message).to.match(
      /^Of 4 instances 2 came up, and at least 3 are needed \(`minHosts`\); those were ended\. EC2 in us-east-1 has only 2 of 4/,
    )
    expect((await hostsOf().list()).inventory.instances).to.deep.equal([])
  })

  it("are spot instances while there are any, and then on demand", async () => {
    shim.capacity.spot = 3
    const { told, running } = await start({ instances: 5, spot: true })
    expect(running).to.equal(5)
    expect(told.said).to.deep.equal(["Launched 5 t3.medium in us-east-1 (3 spot, 2 on demand)."])
    const spot = shim.launches[0]
    expect(spot?.get("InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior")).to.equal("terminate")
    expect(spot?.get("InstanceMarketOptions.SpotOptions.SpotInstanceType")).to.equal("one-time")
  })

  it("are no more than spot instances where that is wished", async () => {
    shim.capacity.spot = 0
    const error = await failure({ instances: 2, spot: true, onDemandFallback: false })
    expect(error).to.include({ kind: "unavailable", retryable: true })
    expect(error.message).to.include("There is no Spot capacity available")
  })

  it("fill a quota that has less room than is asked for", async () => {
    shim.quota = 5
    const { running, told } = await start({ instances: 12 })
    expect(running).to.equal(5)
    expect(told.said.at(-1)).to.match(/5 of 12 instances .* Service Quotas/)
  })

  it("wait while EC2 takes no more calls", async () => {
    const slow = {
      action: "RunInstances",
      code: "RequestLimitExceeded",
      message: "Request limit exceeded.",
      status: 503,
    }
    shim.failures.push(slow, slow, { ...slow, action: "DescribeSubnets" })
    const { running } = await start({ instances: 2 })
    expect(running).to.equal(2)
  })

  it("have a security group without a way in, made once", async () => {
    const { hosts } = await start({ instances: 1 })
    await start({ instances: 2 })
    expect(shim.calls.filter((action) => action === "CreateSecurityGroup")).to.have.length(1)
    expect((await hosts.list()).inventory.groups.map(({ name }) => name)).to.deep.equal(["cellfan-workers"])
    expect(shim.calls).to.not.include("AuthorizeSecurityGroupIngress")
  })

  it("are told as lost when they are terminated, with the reason", async () => {
    const { hosts } = await start({ instances: 1 })
    const [{ name = "" } = {}] = hosts.hosts
    shim.reasons.set(name, {
      code: "Server.SpotInstanceTermination",
      message: "Server.SpotInstanceTermination: Spot instance termination",
    })
    expect(await hostsOf().remove([name])).to.deep.equal([])
    for (let n = 0; hosts.hosts[0]?.state === "running" && n < 100; n++)
      await new Promise((resolve) => setTimeout(resolve, 20))
    expect(hosts.hosts[0]).to.include({
      state: "lost",
      reason: "Server.SpotInstanceTermination: Spot instance termination",
    })
  })

  it("are all found by clean, with their security groups, and nothing is left", async () => {
    const { hosts } = await start({ instances: 2 })
    const [{ name = "" } = {}] = hosts.hosts
    const said = await hosts.clean("all")
    expect(said).to.include(`worker ${name} (t3.medium)`)
    expect(said.at(-1)).to.match(/^security group cellfan-workers \(sg-/)
    expect((await hosts.list()).inventory).to.deep.equal({
      instances: [],
      groups: [],
      volumes: [],
      spotRequests: [],
    })
    expect(await hosts.clean("all")).to.deep.equal([])
  })

  it("need no right that the printed policy does not have", () => {
    // The server refuses every other action: what the tests above have called is within it.
    const actions = userPolicy().Statement.flatMap(({ Action }) => Action)
    expect(actions).to.include("ec2:RunInstances").and.not.include("ec2:*")
    expect(JSON.stringify(userPolicy())).to.not.include("iam:")
    expect(JSON.stringify(userPolicy("arn:aws:iam::1:role/mine"))).to.include("iam:PassRole")
  })

  describe("that cannot be had", () => {
    const refused = (code: string, message: string, action = "RunInstances", status = 400) =>
      shim.failures.push({ action, code, message, status })

    it("because there are none left", async () => {
      shim.capacity["on-demand"] = 0
      const error = await failure()
      expect(error).to.include({ kind: "unavailable", retryable: true, backend: "aws_ec2" })
      expect(error.message).to.match(
        /^EC2 in http:\S+ could not launch 4 t3.medium instances: Amazon has no more of these instances now; take another `instanceType`, other `subnets`, or try later; EC2 said: We currently do not have sufficient t3.medium capacity .* \(InsufficientInstanceCapacity, request /,
      )
    })

    it("because the account may have none", async () => {
      shim.quota = 0
      const error = await failure()
      expect(error.kind).to.equal("quota")
      expect(error.message).to.include('ask for more of "Running On-Demand … instances" in Service Quotas')
    })

    it("because of the image, before anything is made", async () => {
      const error = await failure({ image: "ami-0123456789abcdef0" })
      expect(error.kind).to.equal("not-found")
      expect(error.message).to.include(
        "no such image in this region; leave out `image` for Amazon Linux 2023",
      )
      expect(shim.launches).to.deep.equal([])
      expect((await failure({ image: "ubuntu" })).message).to.match(
        /^Option `image` takes .* but got ubuntu\.$/,
      )
      expect((await failure({ image: "/aws/service/none" })).message).to.include("no such image")
    })

    it("because image and type do not go together", async () => {
      const { Parameter } = await parameter("x86_64")
      const error = await failure({ instanceType: "c7g.xlarge", image: Parameter?.Value })
      expect(error.message).to.match(/is for x86_64, and instances of type c7g.xlarge are arm64/)
    })

    it("because there is no such type", async () => {
      const error = await failure({ instanceType: "t9.bogus" })
      expect(error.message).to.include("look at `instanceType`")
    })

    it("because there is no such subnet", async () => {
      const error = await failure({ subnets: ["subnet-0123456789abcdef0"] })
      expect(error.kind).to.equal("not-found")
      expect(error.message).to.include("there is no such subnet in this region; look at `subnets`")
    })

    it("because the region has no default VPC, or subnets are in two, with what to do", async () => {
      const { ec2Sdk } = await import("../../../../kernel-ext/backends/standalone/ec2/sdk.ts")
      const sdk = await ec2Sdk()
      // A region of its own: the other tests need theirs.
      const region = "eu-west-3"
      const ec2 = new sdk.EC2Client({ region, endpoint: server.url, credentials: keys })
      const { Subnets = [] } = await ec2.send(new sdk.DescribeSubnetsCommand({}))
      const access = { region, endpoint: shim.url, keys: () => keys }
      const own = await secondVpc(region)
      const split = await failure({ access, subnets: [own, Subnets[0]?.SubnetId ?? ""] })
      expect(split.message).to.match(
        /^The `subnets` stand in 2 VPCs \(vpc-\w+, vpc-\w+\), and are to be in one\.$/,
      )
      for (const { SubnetId } of Subnets) await deleteSubnet(region, SubnetId ?? "")
      const error = await failure({ access })
      expect(error).to.include({ kind: "setup", retryable: false, backend: "aws_ec2" })
      expect(error.message).to.equal(
        "EC2 in eu-west-3 has no default VPC with a subnet: give `subnets`, or make one: aws ec2 create-default-vpc",
      )
      expect(shim.launches).to.deep.equal([])
      // The way out that it names.
      expect((await start({ access, subnets: [own], instances: 1 })).running).to.equal(1)
      for (const hosts of open.splice(0)) {
        await hosts.clean("all")
        await hosts.close()
      }
    })

    for (const [code, words, kind, message] of [
      ["VPCIdNotSpecified", "No default VPC for this user", "setup", "aws ec2 create-default-vpc"],
      ["MissingInput", "No subnets found for the default VPC 'vpc-1'", "setup", "give `subnets`"],
      [
        "InsufficientFreeAddressesInSubnet",
        "There are not enough free addresses in subnet 'subnet-1'",
        "quota",
        "give other or larger `subnets`",
      ],
      [
        "InstanceLimitExceeded",
        "Your quota allows for 0 more",
        "quota",
        "take fewer or smaller instances (`instances`,",
      ],
      [
        "VolumeLimitExceeded",
        "You have exceeded your volume quota",
        "quota",
        "`cellfan vm list` shows what is left over",
      ],
      ["MaxIOPSLimitExceeded", "Maximum IOPS limit exceeded", "quota", "raise it in Service Quotas"],
      ["PendingVerification", "Your account is currently being verified", "setup", "takes up to four hours"],
      [
        "OptInRequired",
        "You are not subscribed to this service",
        "setup",
        "not signed up for this region or image",
      ],
      [
        "Unsupported",
        "Your requested instance type is not supported",
        "setup",
        "take another `instanceType` or other `subnets`",
      ],
      ["InvalidAMIID.Unavailable", "The image id is no longer available", "not-found", "leave out `image`"],
      [
        "InvalidParameterCombination",
        "The architecture 'i386' of the specified instance type does not match",
        "setup",
        "look at `image` and `instanceType`",
      ],
    ] as const)
      it(`because of ${code}, with the way out and EC2's own words`, async () => {
        for (let i = 0; i < 10; i++) refused(code, words)
        const error = await failure()
        shim.failures.length = 0
        expect(error.kind, error.message).to.equal(kind)
        expect(error.message).to.include(message).and.to.include(words)
        expect(error.message).to.match(/^EC2 in \S+ could not launch \d t3\.medium instances?: /)
      })

    it("because the VPC may have no more security groups", async () => {
      refused(
        "SecurityGroupLimitExceeded",
        "The maximum number of security groups has been reached",
        "CreateSecurityGroup",
      )
      const error = await failure()
      expect(error.kind).to.equal("quota")
      expect(error.message).to.include("give `securityGroup`, or `cellfan clean` deletes those of cellfan")
    })

    it("because rights are missing, with the right's name", async () => {
      refused(
        "UnauthorizedOperation",
        "You are not authorized to perform this operation. User: arn:aws:iam::1:user/ada is not authorized to perform: ec2:RunInstances on resource: arn:aws:ec2:us-east-1:1:instance/* because no identity-based policy allows the ec2:RunInstances action. Encoded authorization failure message: abc",
        ...(["RunInstances", 403] as const),
      )
      const error = await failure()
      expect(error.kind).to.equal("access-denied")
      expect(error.message).to.include(
        "these credentials may not do that: they lack ec2:RunInstances; `cellfan ec2 policy` prints the rights that are needed",
      )
      refused(
        "UnauthorizedOperation",
        "You are not authorized to perform this operation.",
        "DescribeImages",
        403,
      )
      expect((await failure()).message).to.include("they lack ec2:DescribeImages")
      refused(
        "UnauthorizedOperation",
        "User: arn:aws:iam::1:user/ada is not authorized to perform: iam:PassRole on resource: arn:aws:iam::1:role/r",
      )
      expect((await failure({ instanceProfile: "r" })).message).to.include("may not hand a role to instances")
    })

    it("because of spot's own limits, unless others may take their place", async () => {
      const spot = { instances: 1, spot: true, onDemandFallback: false }
      refused("MaxSpotInstanceCountExceeded", "Max spot instance count exceeded")
      expect((await failure(spot)).message).to.include('"All … Spot Instance Requests" in Service Quotas')
      refused("SpotMaxPriceTooLow", "Your Spot request price of 0.001 is lower than the minimum required")
      expect((await failure(spot)).message).to.include("raise it, or leave it out for the price on demand")
      refused(
        "AuthFailure.ServiceLinkedRoleCreationNotPermitted",
        "The provided credentials do not have permission",
      )
      expect((await failure(spot)).message).to.include("create-service-linked-role")
      refused("SpotMaxPriceTooLow", "Your Spot request price of 0.001 is lower than the minimum required")
      expect((await start({ ...spot, onDemandFallback: true })).running).to.equal(1)
    })

    it("because of wrong or missing keys", async () => {
      refused(
        "AuthFailure",
        "AWS was not able to validate the provided access credentials",
        "DescribeInstances",
        401,
      )
      const error = await failure()
      expect(error.kind).to.equal("credentials")
      expect(error.message).to.include("the keys are not right; look at accessKeyId")
    })

    it("because nothing answers, having tried again", async () => {
      const endpoint = `http://127.0.0.1:${await freePort()}`
      const error = await failure({ access: { region: "us-east-1", endpoint, keys: () => keys } })
      expect(error.kind).to.equal("network")
      expect(error.message).to.include("nothing answers there; look at option `endpoint`")
      // Closed here: the others are cleaned by it.
      await open.pop()?.close()
    })

    it("because of a key pair, a group or a profile that there is not", async () => {
      refused("InvalidKeyPair.NotFound", "The key pair 'k' does not exist")
      expect((await failure({ keyName: "k" })).message).to.include("look at `keyName`")
      refused("InvalidGroup.NotFound", "The security group 'sg-1' does not exist")
      expect((await failure({ securityGroup: "sg-1" })).message).to.include("look at `securityGroup`")
      refused("InvalidParameterValue", "Value (p) for parameter iamInstanceProfile.name is invalid.")
      expect((await failure({ instanceProfile: "p" })).message).to.include("look at `instanceProfile`")
    })
  })

  /** By EC2's own protocol: cellfan needs neither of these calls. Resolves with the id of a subnet. */
  async function secondVpc(region: string): Promise<string> {
    const vpc = await query(region, { Action: "CreateVpc", CidrBlock: "10.9.0.0/16" })
    const VpcId = /<vpcId>(.*?)</.exec(vpc)?.[1] ?? ""
    const subnet = await query(region, { Action: "CreateSubnet", VpcId, CidrBlock: "10.9.1.0/24" })
    return /<subnetId>(.*?)</.exec(subnet)?.[1] ?? ""
  }

  const deleteSubnet = (region: string, SubnetId: string) =>
    query(region, { Action: "DeleteSubnet", SubnetId })

  async function query(region: string, parameters: Record<string, string>): Promise<string> {
    const answer = await fetch(server.url, {
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${region}/ec2/aws4_request, SignedHeaders=host, Signature=0`,
      },
      body: new URLSearchParams({ Version: "2016-11-15", ...parameters }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(text)
    return text
  }

  async function parameter(architecture: string) {
    const { ssmSdk } = await import("../../../../kernel-ext/backends/standalone/ec2/sdk.ts")
    const sdk = await ssmSdk()
    const client = new sdk.SSMClient({ region: "us-east-1", endpoint: server.url, credentials: keys })
    const Name = `/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-${architecture}`
    return client.send(new sdk.GetParameterCommand({ Name }))
  }
})
