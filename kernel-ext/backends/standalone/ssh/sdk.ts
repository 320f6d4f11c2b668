import type { Duplex, Readable } from "node:stream"
import { loadPackage } from "../../../util/load-package.ts"
import { sshError } from "./errors.ts"

/** The SSH client, in JavaScript alone, loaded when it is first used. */

const importSsh2 = () => import("ssh2")

export type Ssh2 = Awaited<ReturnType<typeof importSsh2>>
export type Client = InstanceType<Ssh2["Client"]>
export type ParsedKey = Exclude<ReturnType<Ssh2["utils"]["parseKey"]>, Error>
export type KeyAgent = InstanceType<Ssh2["BaseAgent"]>
/** A command that runs on a host. */
export type Channel = Duplex & { readonly stderr: Readable }

export function loadSsh2(): Promise<Ssh2> {
  return loadPackage("ssh2", importSsh2, (cause) =>
    sshError(
      "setup",
      "Hosts by SSH need the package ssh2, which is not installed: run npm install ssh2",
      cause,
    ),
  )
}
