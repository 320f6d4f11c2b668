/** `npm run emulator`: Lambda and S3 on this machine, and JupyterLab that uses them. */
import { requireNode } from "./util/node-version.mjs"

requireNode()
Promise.all([import("./util/say.mjs"), import("./start/emulator.mjs")]).then(([{ main }, { emulator }]) =>
  main(() => emulator(process.argv.slice(2))),
)
