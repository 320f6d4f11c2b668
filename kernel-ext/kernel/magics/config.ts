import { configuration } from "../../config/load.ts"
import { readNothing } from "./arguments.ts"
import { type LineCall, type Magic, runtimeName } from "./magic.ts"
import { write } from "./output.ts"

/** %config: what is in force, and where each value was read. */

export const configMagics: readonly Magic[] = [
  {
    name: "config",
    summary: "Gives the configuration in force, and where each value of it comes from.",
    details: [
      "An option in code or a flag comes before the environment (`CELLFAN_MODE`, `CELLFAN_AWS_S3_BUCKET`), which comes before",
      "the configuration file: `$CELLFAN_CONFIG_FILE`, `cellfan.config.yaml` or `.json` in the working folder, `~/.cellfan/config`,",
      "`/etc/cellfan/config`, or one of Lithops'. Secrets are not shown. `const rows = %config` gives it as a list of objects.",
    ].join("\n"),
    line: {
      translate({ args }: LineCall) {
        readNothing(args, "%config")
        return [`${runtimeName}.config()`]
      },
    },
  },
]

export const configDeclarations = `
  config(): { section: string; key: string; value: string; from: string }[]`

export function createConfigRuntime() {
  return {
    config() {
      const inForce = configuration()
      const { file, warnings } = inForce
      write(
        file === undefined
          ? "There is no configuration file.\n"
          : `The configuration file is ${file.path}.\n`,
      )
      for (const warning of [...warnings, ...inForce.problems()]) write(`${warning}\n`)
      return inForce.rows()
    },
  }
}
