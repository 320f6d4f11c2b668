/** `node scripts/setup.mjs`: everything `npm start` needs, without starting anything. */
import { requireNode } from "./util/node-version.mjs"

requireNode()
Promise.all([import("./util/say.mjs"), import("./setup/everything.mjs")]).then(([{ main }, { setUp }]) =>
  main(() => setUp("start")),
)
