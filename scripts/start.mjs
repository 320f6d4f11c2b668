/** `npm start`: sets up what is missing, then opens JupyterLab on the quickstart, or runs a notebook headless. */
import { requireNode } from "./util/node-version.mjs"

requireNode()
Promise.all([import("./util/say.mjs"), import("./start/command.mjs")]).then(([{ main }, { start }]) =>
  main(() => start(process.argv.slice(2))),
)
