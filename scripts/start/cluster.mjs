import { once } from "node:events"
import { join } from "node:path"
import { startHosts, whyNoHosts } from "../cluster/hosts.mjs"
import { setUp } from "../setup/everything.mjs"
import { notebooks } from "../util/paths.mjs"
import { Refusal } from "../util/say.mjs"
import { start } from "./command.mjs"

const help = `npm run cluster                 start three hosts on this machine, and JupyterLab on notebooks/standalone.ipynb
npm run cluster -- --execute    run that notebook without a browser
npm run cluster -- --only       start the hosts alone, and print what to set to use them
npm run cluster -- WORDS        other words are those of npm start`

/** Ends with what it started for: JupyterLab, a notebook's run, or an interrupt. Resolves with the exit code. */
export async function cluster(words) {
  if (words.includes("--help")) {
    console.log(help)
    return 0
  }
  const missing = whyNoHosts()
  if (missing !== undefined) throw new Refusal(`Three hosts cannot be started on this machine: ${missing}`)
  await setUp("start")
  const { hosts, sshConfigFile, stop } = await startHosts()
  try {
    const settings = {
      CELLFAN_SSH_HOSTS: hosts.map(({ name }) => name).join(","),
      CELLFAN_SSH_SSH_CONFIG_FILE: sshConfigFile,
    }
    for (const [name, value] of Object.entries(settings)) console.log(`export ${name}=${value}`)
    if (words.includes("--only")) {
      console.log("The hosts run until this is interrupted.")
      await once(process, "SIGINT")
      return 0
    }
    Object.assign(process.env, settings)
    const named = words.some((word) => word.endsWith(".ipynb"))
    return await start(named ? words : [join(notebooks, "standalone.ipynb"), ...words])
  } finally {
    await stop()
  }
}
