import { tell } from "./errors.ts"
import { roleName, roleRights, roleTrust } from "./policy.ts"
import { type AwsAccess, clientOptions, type IamSdk, iamSdk } from "./sdk.ts"

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
  const { access, region, say } = around
  try {
    const sdk = await iamSdk()
    const own: OwnRole = { sdk, client: new sdk.IAMClient(clientOptions(access)) }
    const found = await arnOf(own)
    if (found !== undefined) {
      if (await lacksRights(own)) await giveRights(own)
      return { arn: found, isNew: false }
    }
    say(`Making the role ${roleName}, which functions run as …`)
    await make(own)
    await giveRights(own)
    return { arn: (await arnOf(own)) ?? "", isNew: true }
  } catch (error) {
    const doing = `find or make the role ${roleName}, which functions run as (option \`roleArn\` names another one)`
    throw tell(error, { doing, region, endpoint: access.endpoint })
  }
}

interface OwnRole {
  readonly sdk: IamSdk
  readonly client: InstanceType<IamSdk["IAMClient"]>
}

async function arnOf({ sdk, client }: OwnRole): Promise<string | undefined> {
  try {
    const { Role } = await client.send(new sdk.GetRoleCommand({ RoleName: roleName }))
    return Role?.Arn
  } catch (error) {
    if (error instanceof sdk.NoSuchEntityException) return undefined
    throw error
  }
}

async function make({ sdk, client }: OwnRole): Promise<void> {
  const role = {
    RoleName: roleName,
    Description: "What functions of cellfan may do: write their logs, and use buckets of cellfan.",
    AssumeRolePolicyDocument: JSON.stringify(roleTrust),
  }
  try {
    await client.send(new sdk.CreateRoleCommand(role))
  } catch (error) {
    // Another kernel was faster.
    if (!(error instanceof sdk.EntityAlreadyExistsException)) throw error
  }
}

/** Whoever made it may have been stopped, or not been allowed to, before it was given any. */
async function lacksRights({ sdk, client }: OwnRole): Promise<boolean> {
  try {
    await client.send(new sdk.GetRolePolicyCommand({ RoleName: roleName, PolicyName: roleName }))
    return false
  } catch (error) {
    // Who may not look, has a role that somebody else saw to.
    return error instanceof sdk.NoSuchEntityException
  }
}

async function giveRights({ sdk, client }: OwnRole): Promise<void> {
  const policy = { RoleName: roleName, PolicyName: roleName, PolicyDocument: JSON.stringify(roleRights) }
  await client.send(new sdk.PutRolePolicyCommand(policy))
}
