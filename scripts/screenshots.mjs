/** `npm run screenshots [FOLDER]`: pictures of the grid from the real JupyterLab, by default into docs/screenshots. */
import { requireNode } from "./util/node-version.mjs"

requireNode()
Promise.all([import("./util/say.mjs"), import("./setup/everything.mjs"), import("tsx/esm/api")]).then(
  ([{ main, Refusal }, { setUp }, tsx]) =>
    main(async () => {
      await setUp("test")
      tsx.register()
      const [{ takeScreenshots }, { findChromium }] = await Promise.all([
        import("../test/browser/support/screenshots.ts"),
        import("../test/support/needs.ts"),
      ])
      const chromium = findChromium()
      if (chromium === undefined) throw new Refusal("Pictures need Chromium: apt-get install chromium.")
      const folder = process.argv[2] ?? "docs/screenshots"
      for (const path of await takeScreenshots({ chromium, folder })) console.log(path)
    }),
)
