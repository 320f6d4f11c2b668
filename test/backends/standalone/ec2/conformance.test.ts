import { conformsToBackend } from "../../../conformance/backend.ts"
import { BootedPools } from "../../../support/ec2/pools.ts"

/** The queue's server on one instance, agents on two others. */
describe("Instances that boot", function () {
  this.timeout(60_000)
  let pools: BootedPools
  before(async function () {
    pools = await BootedPools.start(this)
  })
  after(() => pools?.stop())

  conformsToBackend("aws_ec2", () => pools.backend("conformance", { instances: 2, minHosts: 2 }))
})
