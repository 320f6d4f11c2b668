import { readFileSync } from "node:fs"
import { availableParallelism } from "node:os"

/**
 * Processors this process may use: what the operating system schedules it on, and no more than the quota of its control
 * group, which containers set and `os.availableParallelism` does not see.
 */
export function usableCpus(root = ""): number {
  const quota = quotaOfCgroups(root)
  const cpus = availableParallelism()
  return quota === undefined ? cpus : Math.max(1, Math.min(cpus, Math.ceil(quota)))
}

/** The tightest CPU quota on the way from this process's group up to the root, in processors. */
export function quotaOfCgroups(root: string): number | undefined {
  const quotas: number[] = []
  for (const line of read(`${root}/proc/self/cgroup`)?.split("\n") ?? []) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (controllers === undefined || path === undefined) continue
    const isV2 = controllers === ""
    if (!isV2 && !controllers.split(",").includes("cpu")) continue
    const mounts = isV2 ? ["/sys/fs/cgroup"] : ["/sys/fs/cgroup/cpu", `/sys/fs/cgroup/${controllers}`]
    for (const mount of mounts)
      for (const folder of upwards(path)) {
        const quota = isV2 ? quotaV2(`${root}${mount}${folder}`) : quotaV1(`${root}${mount}${folder}`)
        if (quota !== undefined) quotas.push(quota)
      }
  }
  return quotas.length === 0 ? undefined : Math.min(...quotas)
}

/** "/a/b" → "/a/b", "/a", "". A container often sees the host's path, while its own group is mounted as the root. */
function upwards(path: string): string[] {
  const parts = path.split("/").filter((part) => part !== "")
  return [...parts.keys(), parts.length]
    .map((count) =>
      parts
        .slice(0, count)
        .map((part) => `/${part}`)
        .join(""),
    )
    .reverse()
}

function quotaV2(folder: string): number | undefined {
  const [quota, period] = read(`${folder}/cpu.max`)?.trim().split(" ") ?? []
  return ratio(quota, period)
}

function quotaV1(folder: string): number | undefined {
  return ratio(read(`${folder}/cpu.cfs_quota_us`), read(`${folder}/cpu.cfs_period_us`))
}

function ratio(quota: string | undefined, period: string | undefined): number | undefined {
  const value = Number(quota) / Number(period)
  return Number.isFinite(value) && value > 0 ? value : undefined
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return undefined
  }
}
