import * as z from "zod"

/** Hosts of a private cluster, by SSH. */

const text = z.string().min(1)

const options = {
  hosts: z
    .array(text)
    .min(1)
    .optional()
    .describe("Hosts by SSH: names, user@host:port, or aliases of your ~/.ssh/config")
    .meta({ placeholder: "HOST,…", lithops: "ip_address" }),
  hostsFile: text
    .optional()
    .describe("File that names further hosts, one a line")
    .meta({ placeholder: "FILE" }),
  head: z
    .enum(["first", "here"])
    .optional()
    .describe(
      "Where the queue's server runs, unless `nats` names one: on the first host, or on this machine (here), which hosts then reach through their SSH connections, for as long as this kernel runs (default: first)",
    ),
  sshUser: text
    .optional()
    .describe("Whom to log in as on hosts that are named without a user (default: as ~/.ssh/config says)")
    .meta({ placeholder: "NAME", lithops: "ssh_username" }),
  sshKeyFile: text
    .optional()
    .describe("Private key to log in with, tried before those of ~/.ssh/config and of the agent")
    .meta({ placeholder: "FILE", lithops: "ssh_key_filename" }),
  sshConfigFile: text
    .optional()
    .describe("File in place of ~/.ssh/config (default: that and the system's)")
    .meta({ placeholder: "FILE" }),
}

export const ssh = {
  options,
  section: { schema: z.strictObject(options), inherits: [] },
} as const
