import { existsSync } from "node:fs"
import { resolve } from "node:path"
import { setUp } from "../setup/everything.mjs"
import { notebooks } from "../util/paths.mjs"
import { Refusal } from "../util/say.mjs"
import { executeNotebook } from "./execute.mjs"
import { checkPort, openJupyterLab } from "./jupyterlab.mjs"

const help = `npm start                       set up what is missing and open JupyterLab on notebooks/quickstart.ipynb
npm start -- NOTEBOOK           open another notebook
npm start -- --execute          run the notebook without a browser; the exit code tells whether a cell failed
npm start -- --no-browser       start the server and print its address
npm start -- --port 8890        listen on this port (default: the first free one from 8888 on)`

/** Reads the words after `npm start --` and does what they ask. Resolves with the exit code. */
export async function start(words) {
  const options = parse(words)
  if (options.help) {
    console.log(help)
    return 0
  }
  if (!existsSync(options.notebook)) {
    throw new Refusal(
      `There is no notebook ${options.notebook}: name one that exists, relative to this folder.`,
    )
  }
  if (options.port !== undefined) await checkPort(options.port)
  await setUp("start")
  return options.execute ? executeNotebook(options.notebook) : openJupyterLab(options)
}

function parse(words) {
  const options = {
    notebook: resolve(notebooks, "quickstart.ipynb"),
    execute: false,
    browser: true,
    port: undefined,
    help: false,
  }
  const rest = [...words]
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--execute") options.execute = true
    else if (word === "--no-browser") options.browser = false
    else if (word === "--help" || word === "-h") options.help = true
    else if (word === "--port") options.port = portOf(rest.shift())
    else if (word.startsWith("--port=")) options.port = portOf(word.slice("--port=".length))
    else if (word.startsWith("-")) throw new Refusal(`npm start does not take ${word}. It takes:\n${help}`)
    else options.notebook = resolve(word)
  }
  return options
}

function portOf(word) {
  const port = Number(word)
  if (Number.isInteger(port) && port >= 0 && port <= 65535 && word !== "") return port
  throw new Refusal(
    `--port takes a number from 0 (the system chooses) to 65535, and got ${word ?? "nothing"}.`,
  )
}
