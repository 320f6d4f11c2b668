import { type AwsAccess, clientOptions, loadSdk } from "../../aws-sdk.ts"

/** Amazon's SDK for EC2 and Systems Manager, loaded when it is first used; its clients leave retries to us. */

const importEc2 = () => import("@aws-sdk/client-ec2")
const importSsm = () => import("@aws-sdk/client-ssm")

export type Ec2Sdk = Awaited<ReturnType<typeof importEc2>>
export type Ec2Client = InstanceType<Ec2Sdk["EC2Client"]>
export type SsmSdk = Awaited<ReturnType<typeof importSsm>>
export type SsmClient = InstanceType<SsmSdk["SSMClient"]>

const needed = {
  backend: "aws_ec2",
  what: "Tasks on EC2",
  packages:
    "@aws-sdk/client-ec2 @aws-sdk/client-ssm @aws-sdk/client-s3 @aws-sdk/lib-storage @aws-sdk/s3-request-presigner",
}

export const ec2Sdk = () => loadSdk("@aws-sdk/client-ec2", importEc2, needed)
export const ssmSdk = () => loadSdk("@aws-sdk/client-ssm", importSsm, needed)

export function callOptions(access: AwsAccess) {
  return {
    ...clientOptions(access),
    maxAttempts: 1,
    requestHandler: { connectionTimeout: 10_000, requestTimeout: 60_000, throwOnRequestTimeout: true },
  }
}
