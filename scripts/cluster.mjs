/** `npm run cluster`: three hosts to log in to, on this machine, and JupyterLab that uses them. */
import { requireNode } from "./util/node-version.mjs"

requireNode()
Promise.all([import("./util/say.mjs"), import("./start/cluster.mjs")]).then(([{ main }, { cluster }]) =>
  main(() => cluster(process.argv.slice(2))),
)
