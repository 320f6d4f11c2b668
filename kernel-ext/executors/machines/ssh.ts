import { hostsLater } from "../../backends/standalone/hosts-later.ts"
import { ssh } from "../../config/standalone/ssh.ts"
import type { MakeMachines } from "../machines.ts"
import { ofSection } from "../platforms/filled.ts"

/** Hosts by SSH. Their names are looked at when they are first needed: the file of hosts may be written until then. */
export const sshMachines: MakeMachines = (configured, given, { minHosts }, where) => {
  const section = configured.section("ssh", ofSection(given, ssh.section.schema), where)
  const provider = hostsLater("ssh", async () => {
    const { SshHosts } = await import("../../backends/standalone/ssh/ssh-hosts.ts")
    return new SshHosts({ ...section, minHosts })
  })
  return { provider, count: Math.max(1, section.hosts?.length ?? 0) }
}
