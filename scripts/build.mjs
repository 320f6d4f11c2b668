/** `npm run build`: makes in dist/ what is out of date there. */
import { requireNode } from "./util/node-version.mjs"

requireNode()
Promise.all([import("./util/say.mjs"), import("./build/parts.mjs")]).then(([{ main }, { build }]) =>
  main(async () => {
    const built = await build()
    console.log(built.length === 0 ? "Everything is up to date." : `Built: ${built.join(", ")}.`)
  }),
)
