/** `npm run check`: format, lint, types and import rules; all of them run, and each that fails is named. */
import { requireNode } from "./util/node-version.mjs"

requireNode()
Promise.all([import("./util/say.mjs"), import("./test/checks.mjs")]).then(([{ main }, { check }]) =>
  main(async () => ((await check()) ? 0 : 1)),
)
