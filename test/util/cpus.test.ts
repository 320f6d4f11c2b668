import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { expect } from "chai"
import { quotaOfCgroups, usableCpus } from "../../kernel-ext/util/cpus.ts"

describe("usableCpus", () => {
  const roots: string[] = []
  after(() => {
    for (const root of roots) rmSync(root, { recursive: true })
  })

  function rootWith(files: Record<string, string>): string {
    const root = mkdtempSync(join(tmpdir(), "cellfan-cgroup-"))
    roots.push(root)
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true })
      writeFileSync(join(root, path), text)
    }
    return root
  }

  it("reads the quota of a version 2 group, and of those around it", () => {
    const root = rootWith({
      "proc/self/cgroup": "0::/user/job\n",
      "sys/fs/cgroup/user/job/cpu.max": "max 100000\n",
      "sys/fs/cgroup/user/cpu.max": "150000 100000\n",
    })
    expect(quotaOfCgroups(root)).to.equal(1.5)
  })

  it("reads the quota of a version 1 group, also where a container sees the host's path", () => {
    const root = rootWith({
      "proc/self/cgroup": "4:cpu,cpuacct:/docker/abc\n3:memory:/docker/abc\n",
      "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "50000\n",
      "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    })
    expect(quotaOfCgroups(root)).to.equal(0.5)
    expect(usableCpus(root)).to.equal(1)
  })

  it("knows no quota where none is set", () => {
    const unlimited = rootWith({
      "proc/self/cgroup": "4:cpu:/\n",
      "sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
      "sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
    })
    expect(quotaOfCgroups(unlimited)).to.equal(undefined)
    expect(usableCpus(rootWith({}))).to.equal(availableParallelism())
  })
})
