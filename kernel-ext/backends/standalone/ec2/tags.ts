import { cellfanVersion } from "../../../util/version.ts"
import type { Ec2Options } from "./options.ts"

/** Tags by which resources of cellfan are known. */
export const tag = {
  /** On all of them: the version that made it. */
  version: "cellfan:version",
  owner: "cellfan:owner",
  pool: "cellfan:pool",
  /** "worker" or "head". */
  role: "cellfan:role",
  /** Hash of the agent that runs there. */
  agent: "cellfan:agent",
  /** The call that launched it. */
  launch: "cellfan:launch",
  /** Until when it may stay, as ISO 8601. */
  expires: "cellfan:expires",
} as const

export interface Tag {
  readonly Key: string
  readonly Value: string
}

function tagList(tags: Readonly<Record<string, string>>): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }))
}

export function tagValue(
  tags: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] | undefined,
  key: string,
): string | undefined {
  return tags?.find((one) => one.Key === key)?.Value
}

export function byTag(key: string, value: string): { Name: string; Values: string[] } {
  return { Name: `tag:${key}`, Values: [value] }
}

/** All that any version has made. */
export const ofCellfan = { Name: "tag-key", Values: [tag.version] }

/** What everything that is made for a pool is tagged with. */
export function tagsOf(
  { owner, tags = {}, expiresAfterMs }: Pick<Ec2Options, "owner" | "tags" | "expiresAfterMs">,
  pool: string,
  role: "worker" | "head",
): Tag[] {
  return tagList({
    ...tags,
    Name: pool === "" ? "cellfan" : `cellfan ${pool}${role === "head" ? " head" : ""}`,
    [tag.version]: cellfanVersion(),
    [tag.owner]: owner,
    [tag.pool]: pool,
    [tag.role]: role,
    [tag.expires]: new Date(Date.now() + expiresAfterMs).toISOString(),
  })
}
