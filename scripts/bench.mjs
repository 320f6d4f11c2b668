/** `npm run bench [-- NAME…] [--peers all]`: measures against peers in the same run and prints tables for the README. */
import { requireNode } from "./util/node-version.mjs"

requireNode()
Promise.all([import("./util/say.mjs"), import("./test/bench.mjs")]).then(([{ main }, { bench }]) =>
  main(() => bench(process.argv.slice(2))),
)
