import { type HostSpec, type Hosts, startHosts, whyNoHosts } from "../../../scripts/cluster/hosts.mjs"
import { findProgram } from "../needs.ts"

/** SSH hosts in network namespaces: `npm run cluster` and tests use the same ones. */

export type { Host, HostSpec, Hosts } from "../../../scripts/cluster/hosts.mjs"

export const sshHosts = {
  what: `SSH hosts: ${whyNoHosts() ?? "ssh (apt-get install openssh-client)"}`,
  find: (): typeof start | undefined =>
    whyNoHosts() === undefined && findProgram("ssh") !== undefined ? start : undefined,
}

/** As many as there are `specs` of, or three that differ in nothing. They end with this process at the latest. */
function start(specs?: readonly HostSpec[]): Promise<Hosts> {
  return startHosts(specs)
}
