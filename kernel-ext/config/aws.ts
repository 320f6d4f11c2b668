import * as z from "zod"

/** Options of what Amazon runs, which its sections of a configuration and executors share. */

const text = z.string().min(1)

export const regionOption = text
  .optional()
  .describe("Region, such as eu-west-1 (default: AWS_REGION, or the profile's)")
  .meta({ lithops: "region" })

export const profileOption = text
  .optional()
  .describe("Profile of ~/.aws/config (default: AWS_PROFILE, or default)")

export const endpointOption = z
  .url({ protocol: /^https?$/, error: "takes a URL that begins with https:// or http://" })
  .optional()
  .describe("URL of the service, where it is not Amazon's: an emulator, or another provider")
  .meta({ lithops: "endpoint", taken: "a URL that begins with https:// or http://" })

/** Keys: they stand in files and the environment, never in code. */
export const keyOptions = {
  accessKeyId: text
    .optional()
    .describe("Access key (default: found as the AWS SDK does: environment, shared files, SSO, role)")
    .meta({ lithops: "access_key_id" }),
  secretAccessKey: text
    .optional()
    .describe("Its secret")
    .meta({ lithops: "secret_access_key", secret: true }),
  sessionToken: text
    .optional()
    .describe("Session token, for keys that expire")
    .meta({ lithops: "session_token", secret: true }),
}
