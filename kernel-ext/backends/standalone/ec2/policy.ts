import { tag } from "./tags.ts"

/** The rights that are needed, no more. What the code may call at all is an `Action`, so that none is missing here. */

/** Of looking: these know no resources. */
const looking = [
  "ec2:DescribeImages",
  "ec2:DescribeInstances",
  "ec2:DescribeInstanceTypes",
  "ec2:DescribeSecurityGroups",
  "ec2:DescribeSpotInstanceRequests",
  "ec2:DescribeSpotPriceHistory",
  "ec2:DescribeSubnets",
  "ec2:DescribeVolumes",
  "ec2:DescribeVpcs",
  "ssm:DescribeInstanceInformation",
  "ssm:GetCommandInvocation",
] as const

/** Of making: only with the tags of cellfan. */
const making = ["ec2:RunInstances", "ec2:CreateSecurityGroup"] as const

/** Of changing and removing: only what has these tags. */
const changing = [
  "ec2:AuthorizeSecurityGroupIngress",
  "ec2:CancelSpotInstanceRequests",
  "ec2:DeleteSecurityGroup",
  "ec2:DeleteVolume",
  "ec2:GetConsoleOutput",
  "ec2:RevokeSecurityGroupIngress",
  "ec2:TerminateInstances",
] as const

/** Of instances that exist already (`instanceIds`). */
const consuming = ["ec2:StartInstances", "ssm:SendCommand"] as const

const parameter = "ssm:GetParameter"

export type Action =
  | (typeof looking | typeof making | typeof changing | typeof consuming)[number]
  | typeof parameter

const objects = [
  "s3:GetObject",
  "s3:PutObject",
  "s3:DeleteObject",
  "s3:ListBucket",
  "s3:AbortMultipartUpload",
]

/** What RunInstances touches that cellfan does not make: it is used, and cannot have our tags. */
const used = ["image/*", "subnet/*", "security-group/*", "key-pair/*", "snapshot/*"]
const made = ["instance/*", "volume/*", "network-interface/*", "spot-instances-request/*"]

const ec2 = (names: readonly string[]) => names.map((name) => `arn:aws:ec2:*:*:${name}`)
const isRequested = { Null: { [`aws:RequestTag/${tag.version}`]: "false" } }
const isOurs = { Null: { [`aws:ResourceTag/${tag.version}`]: "false" } }

/**
 * Of who uses cellfan.
 *
 * @param profileRole ARN of the role within `instanceProfile`, where instances get one.
 */
export function userPolicy(profileRole?: string) {
  const allow = (Sid: string, Action: readonly string[] | string, Resource: unknown, Condition?: object) => ({
    ...{ Sid, Effect: "Allow", Action, Resource },
    ...(Condition && { Condition }),
  })
  return {
    Version: "2012-10-17",
    Statement: [
      allow("Look", looking, "*"),
      allow("FindTheImage", parameter, "arn:aws:ssm:*:*:parameter/aws/service/*"),
      allow("LaunchWithOurTags", "ec2:RunInstances", ec2(made), isRequested),
      allow("LaunchWhereTheyAre", "ec2:RunInstances", ec2(used)),
      allow("MakeSecurityGroups", "ec2:CreateSecurityGroup", ec2(["security-group/*"]), isRequested),
      allow("MakeThemInVpcs", "ec2:CreateSecurityGroup", ec2(["vpc/*"])),
      allow("TagWhatIsMade", "ec2:CreateTags", ec2([...made, "security-group/*"]), {
        StringEquals: { "ec2:CreateAction": ["RunInstances", "CreateSecurityGroup"] },
      }),
      allow("ChangeAndRemoveOurs", changing, ec2([...made, "security-group/*"]), isOurs),
      allow("UseInstancesThatExist", consuming, [
        ...ec2(["instance/*"]),
        "arn:aws:ssm:*::document/AWS-RunShellScript",
      ]),
      ...(profileRole === undefined
        ? []
        : [
            allow("HandTheRoleToInstances", "iam:PassRole", profileRole, {
              StringEquals: { "iam:PassedToService": "ec2.amazonaws.com" },
            }),
          ]),
      allow(
        "StoreWhatInstancesFetch",
        ["s3:CreateBucket", ...objects],
        ["arn:aws:s3:::cellfan-*", "arn:aws:s3:::cellfan-*/*"],
      ),
    ],
  }
}
