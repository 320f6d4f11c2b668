import { tell } from "./errors.ts"
import { roleName, roleRights, roleTrust } from "./policy.ts"
import { type AwsAccess, clientOptions, iamSdk } from "./sdk.ts"

/** The role that functions run as. */
export interface FoundRole {
  readonly arn: string
  /** Lambda may not be able to assume it yet. */
  readonly isNew: boolean
}

/** The named one, or cellfan's own, which is made where it does not exist. */
export async function findRole(
  named: string | undefined,
  around: { access: AwsAccess; region: string; say: (text: string) => void },
): Promise<FoundRole> {
  if (named !== undefined) return { arn: named, isNew: false }
  const { access, region } = around
  try {
    const sdk = await iamSdk()
    const client = new sdk.IAMClient(clientOptions(access))
    try {
      const { Role } = await client.send(new sdk.GetRoleCommand({ RoleName: roleName }))
      return { arn: Role?.Arn ?? "", isNew: false }
    } catch (error) {
      if (!(error instanceof sdk.NoSuchEntityException)) throw error
    }
    around.say(`Making the role ${roleName}, which functions run as …`)
    const description = "What functions of cellfan may do: write their logs, and use buckets of cellfan."
    try {
      await client.send(
        new sdk.CreateRoleCommand({
          RoleName: roleName,
          Description: description,
          AssumeRolePolicyDocument: JSON.stringify(roleTrust),
        }),
      )
    } catch (error) {
      // Another kernel was faster.
      if (!(error instanceof sdk.EntityAlreadyExistsException)) throw error
    }
    const policy = { RoleName: roleName, PolicyName: roleName, PolicyDocument: JSON.stringify(roleRights) }
    await client.send(new sdk.PutRolePolicyCommand(policy))
    const { Role } = await client.send(new sdk.GetRoleCommand({ RoleName: roleName }))
    return { arn: Role?.Arn ?? "", isNew: true }
  } catch (error) {
    const doing = `find or make the role ${roleName}, which functions run as (option \`roleArn\` names another one)`
    throw tell(error, { doing, region, endpoint: access.endpoint })
  }
}
