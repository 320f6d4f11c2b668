import type { BackendError } from "../../../errors.ts"
import { missingRight } from "../../../util/service-errors.ts"
import { denied, type Meaning, type SdkError, type Service, tellAws, type Where } from "../../aws-errors.ts"
import type { Action } from "./policy.ts"

/** What EC2's errors mean, and the way out of each. */

export const policyCommand = "cellfan ec2 policy"

/** @param action What was called, which is what a right is missing for. */
export function tell(error: unknown, where: Where, action?: Action): BackendError {
  return tellAws(error, where, serviceFor(action))
}

function serviceFor(action: Action | undefined): Service {
  const service = { backend: "aws_ec2", title: "EC2", policy: policyCommand }
  return {
    ...service,
    meaningOf: (error) => denial(error, action) ?? named[error.name]?.(error) ?? byText(error),
  }
}

/** No more of such machines can be had at this place now: another place or another market may have some. */
export const capacityCodes = new Set([
  "InsufficientInstanceCapacity",
  "InsufficientHostCapacity",
  "InsufficientReservedInstanceCapacity",
  "UnfulfillableCapacity",
  "Unsupported",
])

/** The account may have no more spot instances, or not at that price; others it may. */
export const spotCodes = new Set(["MaxSpotInstanceCountExceeded", "SpotMaxPriceTooLow"])

/** The account may have no more of these machines. */
export const quotaCodes = new Set(["VcpuLimitExceeded", "InstanceLimitExceeded"])

const meaning =
  (kind: Meaning["kind"], what: string) =>
  (error: SdkError): Meaning => ({ kind, what: `${what}; EC2 said: ${said(error)}` })

const raiseQuota = (name: string) =>
  `ask for more of "${name}" in Service Quotas, or take fewer or smaller instances (\`instances\`, \`instanceType\`)`

const badImage = meaning(
  "not-found",
  "there is no such image in this region; leave out `image` for Amazon Linux 2023, or give one of this region",
)
const noDefaultVpc = meaning(
  "setup",
  "this region has no default VPC or no subnet in it; give `subnets`, or make one: aws ec2 create-default-vpc",
)

const named: Readonly<Record<string, (error: SdkError) => Meaning>> = {
  InsufficientInstanceCapacity: meaning(
    "unavailable",
    "Amazon has no more of these instances now; take another `instanceType`, other `subnets`, or try later",
  ),
  UnfulfillableCapacity: meaning(
    "unavailable",
    "Amazon has no more of these instances now; take another `instanceType`, other `subnets`, or try later",
  ),
  Unsupported: meaning(
    "setup",
    "this instance type is not offered in that zone; take another `instanceType` or other `subnets`",
  ),
  VcpuLimitExceeded: meaning(
    "quota",
    `the account may not run so many processors of this kind; ${raiseQuota("Running On-Demand … instances")}`,
  ),
  InstanceLimitExceeded: meaning(
    "quota",
    `the account may not run so many instances; ${raiseQuota("Running On-Demand … instances")}`,
  ),
  MaxSpotInstanceCountExceeded: meaning(
    "quota",
    `the account may not run so many spot instances; ${raiseQuota("All … Spot Instance Requests")}, or set \`spot\` to false`,
  ),
  SpotMaxPriceTooLow: meaning(
    "setup",
    "spot instances cost more than `maxSpotUsdPerHour`; raise it, or leave it out for the price on demand",
  ),
  "AuthFailure.ServiceLinkedRoleCreationNotPermitted": meaning(
    "access-denied",
    "spot needs a role that the account does not have yet; somebody with rights runs once: aws iam create-service-linked-role --aws-service-name spot.amazonaws.com",
  ),
  "InvalidAMIID.NotFound": badImage,
  "InvalidAMIID.Malformed": badImage,
  "InvalidAMIID.Unavailable": badImage,
  ParameterNotFound: badImage,
  MissingInput: noDefaultVpc,
  VPCIdNotSpecified: noDefaultVpc,
  DefaultVpcDoesNotExist: noDefaultVpc,
  "InvalidSubnetID.NotFound": meaning(
    "not-found",
    "there is no such subnet in this region; look at `subnets`",
  ),
  InsufficientFreeAddressesInSubnet: meaning(
    "quota",
    "the subnet has no free addresses left; give other or larger `subnets`",
  ),
  "InvalidGroup.NotFound": meaning(
    "not-found",
    "there is no such security group in this VPC; look at `securityGroup`, or leave it out",
  ),
  InvalidGroupId: meaning(
    "not-found",
    "there is no such security group in this VPC; look at `securityGroup`, or leave it out",
  ),
  SecurityGroupLimitExceeded: meaning(
    "quota",
    "the VPC may have no more security groups; give `securityGroup`, or `cellfan clean` deletes those of cellfan",
  ),
  "InvalidKeyPair.NotFound": meaning(
    "not-found",
    "there is no such key pair in this region; look at `keyName`, or leave it out",
  ),
  "InvalidInstanceID.NotFound": meaning(
    "not-found",
    "there is no such instance in this region; look at `instanceIds`",
  ),
  "InvalidInstanceID.Malformed": meaning(
    "not-found",
    "that is no instance's id; `instanceIds` takes i-0123456789abcdef0",
  ),
  InvalidInstanceType: meaning(
    "setup",
    "there is no such instance type in this region; look at `instanceType`",
  ),
  VolumeLimitExceeded: meaning(
    "quota",
    "the account may have no more disk space; `cellfan vm list` shows what is left over, Service Quotas raises it",
  ),
  MaxIOPSLimitExceeded: meaning("quota", "the account may have no faster disks; raise it in Service Quotas"),
  PendingVerification: meaning("setup", "the account is being verified, which takes up to four hours"),
  OptInRequired: meaning("setup", "the account is not signed up for this region or image"),
  InternalError: meaning("unavailable", "EC2 has an internal error"),
  ServerInternal: meaning("unavailable", "EC2 has an internal error"),
  Unavailable: meaning("unavailable", "EC2 is overloaded"),
  InvocationDoesNotExist: meaning("unavailable", "the command has not arrived yet"),
  InvalidInstanceId: meaning(
    "setup",
    "Systems Manager does not reach the instance: it needs the SSM agent and an instance profile with AmazonSSMManagedInstanceCore",
  ),
}

/** The right that is missing, as EC2 says it, or that of the call. */
function denial(error: SdkError, action: Action | undefined): Meaning | undefined {
  if (error.name !== "UnauthorizedOperation" && !/^AccessDenied/.test(error.name)) return undefined
  const what = missingRight(error.message) ?? action
  if (what === "iam:PassRole")
    return {
      kind: "access-denied",
      what: `these credentials may not hand a role to instances (iam:PassRole on the role of \`instanceProfile\`); \`${policyCommand} --role ARN\` prints the rights that are needed`,
    }
  return denied({ policy: policyCommand }, what)
}

function byText(error: SdkError): Meaning | undefined {
  const { name, message } = error
  if (/InvalidParameterValue/.test(name) && /instance ?type/i.test(message))
    return named.InvalidInstanceType?.(error)
  if (/InvalidParameterValue/.test(name) && /iamInstanceProfile/i.test(message))
    return meaning(
      "not-found",
      "there is no such instance profile, or it is too new; look at `instanceProfile`",
    )(error)
  if (/InvalidParameterCombination/.test(name) && /architecture|boot mode|ENA/i.test(message))
    return meaning(
      "setup",
      "image and instance type do not go together; look at `image` and `instanceType`",
    )(error)
  if (/No default VPC|no subnets? found for the default/i.test(message)) return noDefaultVpc(error)
  return undefined
}

/** Its words without the parts that only Amazon reads. */
function said({ message }: SdkError): string {
  return message.replace(/\s*Encoded authorization failure message:.*$/s, "").replace(/\.?\s*$/, "")
}
