/** `npm test`: sets up what is missing, checks, runs all tests, and closes with one line of counts. */
import { requireNode } from "./util/node-version.mjs"

requireNode()
Promise.all([import("./util/say.mjs"), import("./test/command.mjs")]).then(([{ main }, { test }]) =>
  main(() => test(process.argv.slice(2))),
)
