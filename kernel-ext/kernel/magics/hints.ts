/** Answers for what people who come from IPython type. */

const shell = 'Cells run TypeScript: `import { execSync } from "node:child_process"`.'
const files = 'Cells run TypeScript: `import fs from "node:fs"` has what there is for files and folders.'
const npm = "Packages come from npm: run `npm install NAME` in the notebook's folder, then import it."
const javascript = "Cells run TypeScript, and so JavaScript: leave the line out."
const typescript = "Cells run TypeScript: leave the line out."
const python = "Cells run TypeScript; open a notebook with a Python kernel for Python."
const language = "Cells run TypeScript; start another language as a process: `node:child_process`."
const names = "Press Tab in an empty cell to see the notebook's names."
const history = "The front end keeps the history: try the arrow keys in a console."
const debug = "Errors name the line of the cell; `console.log` shows values on the way."
const inspection = "Write `name?`, or press Shift-Tab on the name; `name??` shows the source."
const extensions = "There are no extensions to load here: what `import` brings is there at once."
const time = "Time one run with `%time`, or a whole cell with `%%time`."
const plots =
  "Plots show without it: make the plot the cell's last expression, for example with @observablehq/plot."
const workers = "Run a cell over many workers with `%%LocalhostExecutor --map ITEMS --as NAME --into VAR`."
const write = 'Write it in TypeScript: `import { writeFileSync } from "node:fs"`.'
const load = 'Open the file in an editor, or import it: `import "./file.ts"`.'
const front = "That is the front end's: look in its menus and settings."
const looks = "Values show as they are: `console.log`, or `inspect` of `node:util`, writes them otherwise."
const folders = "`%cd FOLDER` changes the folder, `%cd -` goes back, `%pwd` tells it."
const rerun = "Run the cell again in the front end."
const variables =
  "What a variable holds stays until the kernel restarts; keep it longer in a file, or with `Storage` of cellfan."
const calls = "Write it as TypeScript: a function of your own has a name to call it by."
const reset = "Restart the kernel to begin afresh."
const connection =
  "The kernel's connection is Jupyter's: `jupyter console --existing` joins the kernel that was started last."

function shown(type: string): string {
  return `Show it from TypeScript: an object with a \`[Symbol.for("Jupyter.display")]()\` that gives \`{ "${type}": … }\`.`
}

/** Names with one answer, parted by blanks. */
const answers: readonly (readonly [names: string, answer: string])[] = [
  ["load_ext unload_ext install_ext", extensions],
  ["reload_ext", "There are no extensions here. Import a module again to take up its changes."],
  ["autoreload aimport", "There is no need for it: importing a module again takes up its changes."],
  ["matplotlib gui", plots],
  ["pylab", 'Import what you need, for example `import * as Plot from "@observablehq/plot"`.'],
  ["pip conda mamba micromamba uv", npm],
  ["npm yarn pnpm", "Run `npm install NAME` in a terminal in the notebook's folder, then import it."],
  ["run", 'Import the file instead: `import "./file.ts"`.'],
  ["load loadpy pycat", load],
  ["who whos who_ls", names],
  ["reset reset_selective xdel", reset],
  ["history hist recall rep save logstart logstop logon logoff logstate notebook pastebin", history],
  ["rerun", rerun],
  ["debug pdb tb xmode", debug],
  ["prun lprun mprun memit", "Time the code with `%time`, or take a profile with `node:inspector`."],
  ["timeit", time],
  ["capture", "A task's output is kept with its task: `job.tasks[0].logs`."],
  ["bash sh zsh script system sx sc cmd subshell man killbgscripts", shell],
  [
    "ls ll lf lk lx ldir dir",
    'Cells run TypeScript: `import { readdirSync } from "node:fs"`, then `readdirSync(".")`.',
  ],
  ["cat cp mv rm mkdir rmdir more less touch", files],
  ["pushd popd dirs dhist bookmark", folders],
  ["set_env", "Set it with `%env NAME=VALUE`."],
  ["python python2 python3 pypy", python],
  ["perl ruby R sql cython julia rust", language],
  ["javascript js", javascript],
  ["typescript ts", typescript],
  ["writefile file", write],
  ["html HTML", shown("text/html")],
  ["svg SVG", shown("image/svg+xml")],
  ["latex", shown("text/latex")],
  ["markdown", shown("text/markdown")],
  ["magic quickref", "`%lsmagic` lists what there is, `%NAME?` tells of one."],
  ["pinfo pinfo2 pdoc pdef psource pfile psearch page", inspection],
  ["px autopx pxresult", workers],
  ["store", variables],
  ["precision pprint", looks],
  ["edit ed colors clear cls doctest_mode autocall automagic autoawait paste cpaste", front],
  ["alias unalias alias_magic rehashx macro code_wrap", calls],
  ["connect_info qtconsole", connection],
]

const hints: ReadonlyMap<string, string> = new Map(
  answers.flatMap(([names, answer]) => names.split(" ").map((name) => [name, answer] as const)),
)

/** What to do instead of a magic that only IPython has. */
export function hintFor(name: string): string | undefined {
  return hints.get(name)
}

export function isKnownElsewhere(name: string): boolean {
  return hints.has(name)
}

export function shellHint(command: string): string {
  const code = `execSync(${JSON.stringify(command)}, { encoding: "utf8" })`
  return `\`!${command}\` is a line for a shell, and cells run TypeScript. Use \`import { execSync } from "node:child_process"\`, then \`${code}\`.`
}
