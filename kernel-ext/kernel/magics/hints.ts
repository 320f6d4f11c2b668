/** Answers for what people who come from IPython type. */

const hints: Readonly<Record<string, string>> = {
  load_ext: "There are no extensions to load here: what `import` brings is there at once.",
  reload_ext: "There are no extensions here. Import a module again to take up its changes.",
  autoreload: "There is no need for it: importing a module again takes up its changes.",
  matplotlib:
    "Plots show without it: make the plot the cell's last expression, for example with @observablehq/plot.",
  pylab: 'Import what you need, for example `import * as Plot from "@observablehq/plot"`.',
  pip: "Packages come from npm: run `npm install NAME` in the notebook's folder, then import it.",
  conda: "Packages come from npm: run `npm install NAME` in the notebook's folder, then import it.",
  npm: "Run `npm install NAME` in a terminal in the notebook's folder, then import it.",
  run: 'Import the file instead: `import "./file.ts"`.',
  load: 'Open the file in an editor, or import it: `import "./file.ts"`.',
  who: "Press Tab in an empty cell to see the notebook's names.",
  whos: "Press Tab in an empty cell to see the notebook's names.",
  reset: "Restart the kernel to begin afresh.",
  history: "The front end keeps the history: try the arrow keys in a console.",
  debug: "Errors name the line of the cell; `console.log` shows values on the way.",
  pdb: "Errors name the line of the cell; `console.log` shows values on the way.",
  prun: "Time the code with `%time`, or take a profile with `node:inspector`.",
  timeit: "Time one run with `%time`, or a whole cell with `%%time`.",
  capture: "A task's output is kept with its task: `job.tasks[0].logs`.",
  bash: 'Cells run TypeScript: `import { execSync } from "node:child_process"`.',
  sh: 'Cells run TypeScript: `import { execSync } from "node:child_process"`.',
  script: 'Cells run TypeScript: `import { execSync } from "node:child_process"`.',
  system: 'Cells run TypeScript: `import { execSync } from "node:child_process"`.',
  sx: 'Cells run TypeScript: `import { execSync } from "node:child_process"`.',
  ls: 'Cells run TypeScript: `import { readdirSync } from "node:fs"`, then `readdirSync(".")`.',
  python: "Cells run TypeScript; open a notebook with a Python kernel for Python.",
  python3: "Cells run TypeScript; open a notebook with a Python kernel for Python.",
  javascript: "Cells run TypeScript, and so JavaScript: leave the line out.",
  js: "Cells run TypeScript, and so JavaScript: leave the line out.",
  typescript: "Cells run TypeScript: leave the line out.",
  ts: "Cells run TypeScript: leave the line out.",
  writefile: 'Write it in TypeScript: `import { writeFileSync } from "node:fs"`.',
  html: 'Show HTML from TypeScript: an object with a `[Symbol.for("Jupyter.display")]()` that gives `{ "text/html": … }`.',
  latex:
    'Show it from TypeScript: an object with a `[Symbol.for("Jupyter.display")]()` that gives `{ "text/latex": … }`.',
  markdown:
    'Show it from TypeScript: an object with a `[Symbol.for("Jupyter.display")]()` that gives `{ "text/markdown": … }`.',
  config: "Options are given to an executor: `%LocalhostExecutor?` shows them.",
  magic: "`%lsmagic` lists what there is.",
  quickref: "`%lsmagic` lists what there is, `%NAME?` tells of one.",
  pinfo: "Write `name?`, or press Shift-Tab on the name.",
  px: "Run a cell over many workers with `%%LocalhostExecutor --map ITEMS --as NAME --into VAR`.",
  autopx: "Run a cell over many workers with `%%LocalhostExecutor --map ITEMS --as NAME --into VAR`.",
}

/** What to do instead of a magic that only IPython has. */
export function hintFor(name: string): string | undefined {
  return Object.hasOwn(hints, name) ? hints[name] : undefined
}

export function isKnownElsewhere(name: string): boolean {
  return Object.hasOwn(hints, name)
}

export function shellHint(command: string): string {
  const code = `execSync(${JSON.stringify(command)}, { encoding: "utf8" })`
  return `\`!${command}\` is a line for a shell, and cells run TypeScript. Use \`import { execSync } from "node:child_process"\`, then \`${code}\`.`
}
